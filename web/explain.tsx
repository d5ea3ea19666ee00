import type { ComponentChildren } from "preact";

interface HeadingProps {
  readonly of: string;
  readonly title: string;
  /** Two sentences. */
  readonly text: string;
  /** Explains what the section shows, and every term in it. */
  readonly children: ComponentChildren;
}

/** The head of a section, with an explanation to unfold. */
export function Heading({ of, title, text, children }: HeadingProps) {
  return (
    <>
      <h2 id={`${of}-title`}>{title}</h2>
      <p class="lead">{text}</p>
      <details class="explain">
        <summary>What am I looking at?</summary>
        <p class="note">{children}</p>
      </details>
    </>
  );
}
