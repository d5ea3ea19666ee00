import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { byId, element } from "./dom.ts";
import type { LabModel } from "./models.ts";

/** Larger files are refused unread: a checkpoint has a few kilobytes. */
const LARGEST_FILE = 1_000_000;

export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Saves a model as a safetensors file with PyTorch's tensor names. */
export function saveModel({ id, model, parameters, metadata }: LabModel): void {
  const bytes = encodeCheckpoint({ model, parameters, metadata });
  download(`tiny-adder-${id}.safetensors`, bytes, "application/octet-stream");
}

/**
 * Reads a model from a file.
 *
 * @throws {CheckpointError} If it is not a checkpoint; the message says why
 */
export async function readModel(file: File): Promise<LabModel> {
  if (file.size > LARGEST_FILE) {
    throw new RangeError(`Cannot read ${file.name} as a checkpoint has at most 1,000,000 bytes: it has ${file.size}`);
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { model, parameters, metadata } = decodeCheckpoint(bytes, { source: file.name });
  const { recipe, seed, step } = metadata;
  const note = recipe === undefined
    ? "a file that does not say how it was trained"
    : `recipe ${recipe}, seed ${seed}, step ${step}`;
  return { id: "file", label: file.name, note, model, parameters, metadata };
}

/** Calls back with each file that is opened by the button or dropped anywhere on the page. */
export function takeFiles(take: (file: File) => void): void {
  const input = byId("file", HTMLInputElement);
  const drop = byId("drop", HTMLDivElement);
  byId("open-file", HTMLButtonElement).onclick = () => input.click();
  input.onchange = () => {
    const file = input.files?.[0];
    if (file) take(file);
    input.value = ""; // otherwise opening the same file again is no change
  };
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    drop.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    drop.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
}
