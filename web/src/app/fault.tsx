/** What is seen where drawing failed, instead of an empty page. */
import { Component, type ReactNode } from "react";
import { Button, Empty } from "../ui/controls";

export class Fault extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <main>
        <Empty title="This page cannot be shown.">
          <p className="mb-3">The fault is ours. Your changes are kept on this device, and are sent.</p>
          <Button onClick={() => location.reload()}>Load it again</Button>{" "}
          <Button onClick={() => location.assign("/")}>Go to the board</Button>
        </Empty>
      </main>
    );
  }
}
