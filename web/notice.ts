import { byId } from "./dom.ts";

const line = byId("alert", HTMLParagraphElement);

export function showAlert(error: unknown): void {
  line.textContent = error instanceof Error ? error.message : String(error);
  line.hidden = false;
}

export function clearAlert(): void {
  line.hidden = true;
  line.textContent = "";
}
