/** Something that sections of the page show, and that tells them when it changes. */
export class Changes extends EventTarget {
  protected changed(): void {
    this.dispatchEvent(new Event("change"));
  }
}

/** A problem that no section reports itself, such as a wrong file or link. */
export class Notice extends Changes {
  text = "";

  show(text: string): void {
    this.text = text;
    this.changed();
  }
}
