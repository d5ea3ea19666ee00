import { Changes } from "./hooks.ts";

/** A problem that no section reports itself, such as a wrong file or link. The strip, which is always in sight, shows it. */
export class Notice extends Changes {
  text = "";

  show(text: string): void {
    this.text = text;
    this.changed();
  }
}
