import { encodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { useEffect, useRef, useState } from "preact/hooks";
import { hashOfWeights } from "../src/certify/certificate.ts";
import { useChanges } from "./hooks.ts";
import { decodeModel, type LabModel, type Models } from "./models.ts";
import type { Notice } from "./strip.tsx";

const UPDATE_MS = 100;
/** Larger files are refused unread: a checkpoint has a few kilobytes. */
const LARGEST_FILE = 1_000_000;

export function download(name: string, content: BlobPart, type: string): void {
  const href = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** The name of a model's files, by recipe, seed and step as far as they are known. */
export function fileName({ id, model, metadata }: LabModel): string {
  const { recipe = id, seed, step, hardening_rounds: rounds } = metadata;
  const parts = [model, recipe, seed && `seed-${seed}`, step && `step-${step}`, Number(rounds) > 0 && "hardened"];
  return ["tiny-adder", ...parts.filter(Boolean)].join("-").replaceAll(/[^\w.+-]/g, "_");
}

/** Saves a model as a safetensors file with PyTorch's tensor names. */
function saveModel(lab: LabModel): void {
  const { model, parameters, metadata } = lab;
  const bytes = encodeCheckpoint({ model, parameters, metadata });
  download(`${fileName(lab)}.safetensors`, bytes, "application/octet-stream");
}

/** Reads a model from a file. @throws {Error} If it is not a checkpoint; the message says why */
async function readModel(file: File): Promise<LabModel> {
  if (file.size > LARGEST_FILE) {
    throw new RangeError(`Cannot read ${file.name} as a checkpoint has at most 1,000,000 bytes: it has ${file.size}`);
  }
  return decodeModel(new Uint8Array(await file.arrayBuffer()), { id: "file", label: file.name });
}

/** The section `Current model`: the choice of a model, and files in and out, by button or dropped anywhere on the page. */
export function ModelSection({ models, notice }: { models: Models; notice: Notice }) {
  useChanges(UPDATE_MS, models);
  const input = useRef<HTMLInputElement>(null);
  const [hash, setHash] = useState("");
  const [isDragging, setDragging] = useState(false);
  const { all, current } = models;
  const open = async (files: FileList | null | undefined) => {
    if (!files?.[0]) return;
    try {
      if (files.length > 1) {
        const names = Array.from(files, ({ name }) => name).join(", ");
        throw new RangeError(`Cannot open ${names} as the page shows one model: drop one file`);
      }
      models.put(await readModel(files[0]));
      models.select("file");
      notice.show("");
    } catch (error) {
      notice.show(error instanceof Error ? error.message : String(error));
    }
  };
  useEffect(() => {
    let isLatest = true;
    hashOfWeights(current.parameters).then((hash) => isLatest && setHash(hash));
    return () => isLatest = false;
  }, [current]);
  useEffect(() => {
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setDragging(event.type === "dragover");
      if (event.type === "drop") open(event.dataTransfer.files);
    };
    addEventListener("dragover", drag);
    addEventListener("drop", drag);
    addEventListener("dragleave", ({ relatedTarget }) => relatedTarget === null && setDragging(false));
  }, []);
  return (
    <>
      <h2 id="model-title">Current model</h2>
      <p class="lead">All sections show these weights, the numbers that training finds.</p>
      <div class="flow">
        <label class="grow">
          Weights
          <select
            id="model-select"
            value={current.id}
            onChange={({ currentTarget }) => models.select(currentTarget.value)}
          >
            {all.map(({ id, label }) => <option key={id} value={id}>{label}</option>)}
          </select>
        </label>
        <button id="open-file" type="button" onClick={() => input.current!.click()}>Open…</button>
        <button id="save-file" type="button" onClick={() => saveModel(current)}>Save</button>
        <input
          ref={input}
          type="file"
          accept=".safetensors"
          aria-label="Open a safetensors file"
          tabIndex={-1}
          hidden
          onChange={async ({ currentTarget }) => {
            await open(currentTarget.files);
            currentTarget.value = ""; // otherwise opening the same file again is no change
          }}
        />
      </div>
      <p id="model-note" class="note">{current.parameters.length} parameters, {current.note}</p>
      <p class="note">
        SHA-256 of the weights: <code id="model-hash" title={hash}>{hash.slice(0, 16)}</code>
      </p>
      <div id="drop" class="drop" hidden={!isDragging}>
        <p>
          Drop a <code>.safetensors</code> file
        </p>
      </div>
    </>
  );
}
