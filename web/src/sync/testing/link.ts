/**
 * A link that can be cut: a TCP proxy in front of the server.
 *
 * Invariant: a cut link lets nothing through in either direction. A deaf one delivers requests, but cuts before the first
 * answer comes back, which is how an acknowledgement gets lost.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

export class Link {
  private readonly sockets = new Set<Socket>();
  private state: "up" | "cut" | "deaf" = "up";
  private readonly server: Server;

  private constructor(target: URL) {
    this.server = createServer((client) => {
      if (this.state === "cut") return void client.destroy();
      const upstream = connect(Number(target.port), target.hostname);
      const end = (): void => {
        client.destroy();
        upstream.destroy();
      };
      for (const socket of [client, upstream]) {
        this.sockets.add(socket);
        socket.on("error", end).on("close", () => {
          this.sockets.delete(socket);
          end();
        });
      }
      client.on("data", (data) => upstream.write(data));
      upstream.on("data", (data) => (this.state === "deaf" ? this.cut() : client.write(data)));
    });
  }

  static async to(target: string): Promise<Link> {
    const link = new Link(new URL(target));
    await new Promise<void>((done) => link.server.listen(0, "127.0.0.1", done));
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get isDown(): boolean {
    return this.state === "cut";
  }

  cut(): void {
    this.state = "cut";
    for (const socket of this.sockets) socket.destroy();
  }

  deafen(): void {
    if (this.state === "up") this.state = "deaf";
  }

  mend(): void {
    this.state = "up";
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((done) => this.server.close(done));
  }
}
