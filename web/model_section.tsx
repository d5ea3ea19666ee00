import { encodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { useEffect, useRef, useState } from "preact/hooks";
import { useChanges } from "./hooks.ts";
import { decodeModel, type LabModel, type Models } from "./models.ts";

/** Larger files are refused unread: a checkpoint has a few kilobytes. */
const LARGEST_FILE = 1_000_000;

export function download(name: string, content: BlobPart, type: string): void {
  const href = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement("a"), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** Saves a model as a safetensors file with PyTorch's tensor names. */
function saveModel({ id, model, parameters, metadata }: LabModel): void {
  const bytes = encodeCheckpoint({ model, parameters, metadata });
  download(`tiny-adder-${id}.safetensors`, bytes, "application/octet-stream");
}

/**
 * Reads a model from a file.
 *
 * @throws {Error} If it is not a checkpoint; the message says why
 */
async function readModel(file: File): Promise<LabModel> {
  if (file.size > LARGEST_FILE) {
    throw new RangeError(`Cannot read ${file.name} as a checkpoint has at most 1,000,000 bytes: it has ${file.size}`);
  }
  return decodeModel(new Uint8Array(await file.arrayBuffer()), { id: "file", label: file.name });
}

/** The section `Current model`: the choice of a model, and files in and out, by button or dropped anywhere on the page. */
export function ModelSection({ models }: { models: Models }) {
  useChanges(0, models);
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const [isDragging, setDragging] = useState(false);
  const { all, current } = models;
  const open = async (files: FileList | null | undefined) => {
    if (!files?.[0]) return;
    try {
      models.put(await readModel(files[0]));
      models.select("file");
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      document.getElementById("model")!.scrollIntoView({ block: "nearest" }); // the file may be dropped anywhere
    }
  };
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
      <p class="note">Add, Prove and Look inside use these weights, the numbers that training finds.</p>
      <div class="controls">
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
      <p id="alert" class="problem" role="alert" hidden={problem === ""}>{problem}</p>
      <div id="drop" class="drop" hidden={!isDragging}>
        <p>
          Drop a <code>.safetensors</code> file
        </p>
      </div>
    </>
  );
}
