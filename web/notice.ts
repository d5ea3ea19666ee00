/**
 * The line for what went wrong.
 *
 * @module
 */
import { byId } from "./dom.ts";

const line = byId("alert", HTMLParagraphElement);

/** Tells an error. */
export function showAlert(error: unknown): void {
  line.textContent = error instanceof Error ? error.message : String(error);
  line.hidden = false;
}

/** Takes back what was told. */
export function clearAlert(): void {
  line.hidden = true;
  line.textContent = "";
}
