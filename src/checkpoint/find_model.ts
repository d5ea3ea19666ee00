import { formatJson } from "../common/format_value.ts";
import { type ModelName, variantOf, variantOfShapes } from "../model/variant.ts";
import { refuse } from "./common/error.ts";
import { stateDictOfFlax } from "./numpy/flax.ts";
import { keyText, PickleDict, PickleGlobal, PickleObject, type PickleValue } from "./common/pickle_reader.ts";
import { isRunState, RUN_STATE } from "./safetensors/state_dict.ts";
import { elementCount, FileTensor, inventory, weightsOf } from "./common/tensor.ts";

/** A dictionary in a file and its tensors by their keys, or by PyTorch's names without the prefix. */
export interface FoundDict {
  /** Keys and prefix, with dots between them; empty where the file is the dictionary. */
  path: string;
  dict: PickleDict;
  tensors: Map<string, FileTensor>;
  /** Where the form of the dictionary says so. */
  variant?: ModelName;
}

const NAMES = variantOf(777).tensors.map(({ name }) => name); // those of all models
const FEWEST = variantOf(763).tensors.length;
/** Keys and classes of an optimizer's state, which has tensors under the names of the model's. */
const OPTIMIZER_KEY = /^opt(?:im(?:izer)?s?)?(?:_states?)?(?:_dicts?)?$/i;
const OPTIMIZER_CLASS = /^(?:optax|torch\.optim)[. ]/;
/** What may stand before the names of a model, in characters: `module.` and the like. */
const LONGEST_PREFIX = 500;
const PREFIX = new RegExp(`^(?:|.{0,${LONGEST_PREFIX - 1}}[./])$`, "s");

/** The one model whose tensors have their names after a common prefix, anywhere or under `key`. @throws {CheckpointError} If none comes near, or several */
export function findModel(root: PickleValue, asked: string, key?: string): FoundDict {
  const candidates = dictsOf(root).flatMap(candidatesIn).filter(({ path }) => key === undefined || path === key);
  const most = candidates.reduce((most, candidate) => Math.max(most, matches(candidate)), 0);
  const near = candidates.filter((candidate) => matches(candidate) >= Math.min(most, FEWEST));
  const best = near.some(isWhole) ? near.filter(isWhole) : near; // beside masks, or a teacher of another width
  const must = `it must hold the tensors of a model by name${key === undefined ? "" : ` under ${formatJson(key)}`}`;
  if (best.length === 0) refuse(asked, `${must}: it holds ${describe(root)}`);
  if (most >= FEWEST && !best.every((other) => isSameModel(best[0], other, asked))) {
    const paths = best.map(({ path }) => formatJson(path)).join(" and ");
    refuse(asked, `it must hold one model: it holds ${best.length}, under ${paths}; name one of them with --key`);
  }
  return best[0];
}

const matches = ({ tensors }: FoundDict) => NAMES.filter((name) => tensors.has(name)).length;

function isWhole({ tensors }: FoundDict): boolean {
  return variantOfShapes((name) => tensors.get(name)?.shape).tensors.every(({ name, shape }) => {
    const tensor = tensors.get(name);
    return tensor?.isFloat && String(tensor.shape) === String(shape);
  });
}

function isSameModel(a: FoundDict, b: FoundDict, asked: string): boolean {
  return NAMES.every((name) => {
    const [one, other] = [a.tensors.get(name), b.tensors.get(name)];
    if (one === other) return true;
    if (one === undefined || other === undefined || elementCount(one.shape) !== elementCount(other.shape)) return false;
    const values = weightsOf(name, other, asked);
    return weightsOf(name, one, asked).every((value, i) => value === values[i]);
  });
}

/** All dictionaries of a value, each once, the outer ones first. */
function dictsOf(root: PickleValue): FoundDict[] {
  const dicts: FoundDict[] = [];
  const seen = new Set<PickleValue>();
  const queue: [path: string, value: PickleValue][] = [["", root]];
  for (const [path, value] of queue) { // grows while it is gone through, so that no depth is too deep
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof PickleObject && OPTIMIZER_CLASS.test(value.name)) continue;
    const parts = Array.isArray(value) ? value : value instanceof PickleObject ? value.parts : [];
    for (const part of parts) queue.push([path, part]);
    if (!(value instanceof PickleDict)) continue;
    const tensors = new Map<string, FileTensor>();
    dicts.push({ path, dict: value, tensors });
    for (const [key, item] of value.entries) {
      if (typeof key === "string" && item instanceof FileTensor) tensors.set(key, item);
      else if (!OPTIMIZER_KEY.test(keyText(key))) queue.push([join(path, keyText(key)), item]);
    }
  }
  return dicts;
}

const join = (path: string, key: string) => path === "" ? key : `${path}.${key}`;

/** The models that the names in one dictionary may be: one for each prefix that is followed by a name of a model's tensor. */
function candidatesIn({ path, dict, tensors }: FoundDict): FoundDict[] {
  const flax = stateDictOfFlax(dict);
  if (flax !== undefined) return [{ path, dict, tensors: flax, variant: 777 }];
  const before = (key: string) => NAMES.filter((name) => key.endsWith(name)).map((name) => key.slice(0, -name.length));
  const found = new Map<string, FoundDict>();
  for (const prefix of [...tensors.keys()].flatMap(before)) {
    if (!PREFIX.test(prefix)) continue;
    found.set(prefix, { path: join(path, prefix).replace(/[./]$/, ""), dict, tensors: new Map() });
  }
  for (const [key, tensor] of tensors) {
    const ends = Array.from(key.slice(0, LONGEST_PREFIX).matchAll(/[./]/g), ({ index }) => index + 1);
    for (const end of [0, ...ends]) found.get(key.slice(0, end))?.tensors.set(key.slice(end), tensor);
  }
  return [...found.values()];
}

/** What a file holds that holds no model, in words, with advice. */
function describe(root: PickleValue): string {
  const advice = "with model.state_dict()";
  if (root instanceof FileTensor) return `one tensor of shape [${root.shape}]; save all tensors by name, ${advice}`;
  if (Array.isArray(root)) {
    const kind = root.every((value) => value instanceof FileTensor) ? "tensor" : "value";
    return `a list of ${root.length} ${kind}${root.length === 1 ? "" : "s"}; save the tensors by name, ${advice}`;
  }
  const dotted = (name: string) => formatJson(name.replace(" ", "."));
  if (root instanceof PickleGlobal) return `the name ${dotted(root.name)}`;
  const foreign = "which its own code alone can make; save model.state_dict() instead";
  if (root instanceof PickleObject) return `an object of class ${dotted(root.name)}, ${foreign}`;
  if (!(root instanceof PickleDict)) return `the value ${formatJson(typeof root === "bigint" ? String(root) : root)}`;
  if (root.entries.size === 0) return "an empty dict";
  if (root.entries.has("param_groups") && root.entries.has("state")) {
    return "the state of an optimizer; save model.state_dict() as well";
  }
  const tensors = dictsOf(root).flatMap(({ path, tensors }) =>
    Array.from(tensors, ([key, tensor]) => [join(path, key), tensor] as const)
  );
  if (isRunState(new Map(tensors))) return RUN_STATE;
  const [objects] = tensors.find(([, { type }]) => type === "O") ?? []; // NumPy's letter for Python objects
  const only = "which only a pickle can; save the arrays themselves";
  if (objects !== undefined) return `Python objects in array ${formatJson(objects)}, ${only}`;
  if (tensors.length > 0) return inventory(tensors);
  return `a dict without tensors, with the keys ${formatJson([...root.entries.keys()].map(keyText))}`;
}
