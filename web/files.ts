/**
 * Checkpoints in and out: by button, or dropped onto the page.
 *
 * @module
 */
import { decodeCheckpoint, encodeCheckpoint } from "../src/checkpoint/checkpoint.ts";
import { byId, element } from "./dom.ts";
import type { LabModel } from "./models.ts";

/** No checkpoint is larger, by far: what is, is not read. */
const LARGEST_FILE = 1_000_000;

/** Gives the reader of the page a file. */
export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Saves a model as a safetensors file with PyTorch's names. */
export function saveModel({ id, model, parameters, metadata }: LabModel): void {
  const bytes = encodeCheckpoint({ model, parameters, metadata });
  download(`tiny-adder-${id}.safetensors`, bytes, "application/octet-stream");
}

/**
 * Reads a model from a file.
 *
 * @throws {CheckpointError} If it is no checkpoint; the message says why
 */
export async function readModel(file: File): Promise<LabModel> {
  if (file.size > LARGEST_FILE) {
    throw new RangeError(`Cannot read ${file.name} as a checkpoint has at most 1,000,000 bytes: it has ${file.size}`);
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { model, parameters, metadata } = decodeCheckpoint(bytes, { source: file.name });
  const { recipe, seed, step } = metadata;
  const note = recipe === undefined ? "a checkpoint without a history" : `recipe ${recipe}, seed ${seed}, step ${step}`;
  return { id: "file", label: file.name, note, model, parameters, metadata };
}

/** Takes files from the button, and from wherever they are dropped. */
export function takeFiles(take: (file: File) => void): void {
  const input = byId("file", HTMLInputElement);
  const drop = byId("drop", HTMLDivElement);
  byId("open-file", HTMLButtonElement).onclick = () => input.click();
  input.onchange = () => {
    const file = input.files?.[0];
    if (file) take(file);
    input.value = ""; // the same file can be opened again
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
