import type { ComponentChildren } from "preact";

/** The head of a section, with an explanation to unfold of what it shows and of every term in it. */
export function Heading(
  { of, title, text, children }: Record<"of" | "title" | "text", string> & { children: ComponentChildren },
) {
  return (
    <>
      <h2 id={`${of}-title`}>{title}</h2>
      <p class="lead">{text}</p>
      <details>
        <summary>What am I looking at?</summary>
        <p class="note">{children}</p>
      </details>
    </>
  );
}
