import { encodeCheckpoint } from "../src/checkpoint/safetensors/checkpoint.ts";
import { useEffect, useRef, useState } from "preact/hooks";
import { hashOfWeights } from "../src/certify/certificate.ts";
import { useChanges, usePromise } from "./hooks.ts";
import { type LabModel, models } from "./models.ts";
import { showProblem } from "./strip.tsx";

/** Saves a file, named by the recipe, seed and step of a model as far as they are known. */
export function download({ id, model, metadata }: LabModel, ending: string, content: BlobPart): void {
  const { recipe = id, seed, step, hardening_rounds: rounds } = metadata;
  const parts = [model, recipe, seed && `seed-${seed}`, step && `step-${step}`, Number(rounds) > 0 && "hardened"];
  const name = ["tiny-adder", ...parts.filter(Boolean)].join("-").replaceAll(/[^\w.+-]/g, "_");
  const href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  Object.assign(document.createElement("a"), { href, download: `${name}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** The section `Current model`: the choice of a model, and files in and out, by button or dropped anywhere on the page. */
export function ModelSection() {
  useChanges(100, models);
  const input = useRef<HTMLInputElement>(null);
  const [isDragging, setDragging] = useState(false);
  const { all, current } = models;
  const hash = usePromise(() => hashOfWeights(current.parameters), [current]) ?? "";
  const save = () => download(current, "safetensors", encodeCheckpoint(current));
  const open = async (files: File[]) => {
    if (files.length === 0) return;
    try {
      await models.open(files);
      showProblem("");
    } catch (error) {
      showProblem((error as Error).message);
    }
  };
  const choose = async ({ currentTarget }: Event & { currentTarget: HTMLInputElement }) => {
    await open([...currentTarget.files!]);
    currentTarget.value = ""; // otherwise opening the same file again is no change
  };
  useEffect(() => {
    const drag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setDragging(event.type === "dragover");
      if (event.type === "drop") open([...event.dataTransfer.files]);
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
          <select id="model-select" value={current.id} onChange={(event) => models.select(event.currentTarget.value)}>
            {all.map(({ id, label }) => <option key={id} value={id}>{label}</option>)}
          </select>
        </label>
        <button id="open-file" type="button" onClick={() => input.current!.click()}>Open…</button>
        <button id="save-file" type="button" onClick={save}>Save</button>
        <input ref={input} type="file" accept=".safetensors" hidden onChange={choose} />
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
