/** A replica in memory, for clients that keep no normalised cache of their own. */
export class MapReplica {
  cursor = null;
  removed = new Set();
  #tasks = new Map();

  read(id) {
    return this.#tasks.get(id) ?? null;
  }
  write(task) {
    this.#tasks.set(task.id, task);
  }
  remove(id) {
    this.#tasks.delete(id);
  }
  ids() {
    return this.#tasks.keys();
  }
}
