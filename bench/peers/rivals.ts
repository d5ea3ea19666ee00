/** The rivals: what each needs and how it is run. */
import type { Part } from "./setup.ts";

export interface Rival {
  /** For `--only`. */
  name: string;
  label: string;
  /** What must be installed; ours needs nothing. */
  needs?: Part;
  /** The program, to which the arguments of the protocol are added; it runs in the folder of the rivals. */
  command: string[];
  /** What is timed, and at which batch size. */
  tasks: { train?: number; decode?: number };
  /** The forms of ours that it is compared with. @default {["exact", "fast"]} */
  ours?: readonly string[];
}

const BOTH = { train: 128, decode: 4096 };

function native(name: Part, label: string): Rival {
  return { name, label, needs: name, command: [`./${name}`], tasks: BOTH };
}

function python(name: string, label: string, ...command: string[]): Rival {
  return { name, label, needs: "python", command: ["venv/bin/python", ...command], tasks: { train: 128 } };
}

function javaScript(name: string, label: string, command: string[], tasks: Rival["tasks"]): Rival {
  return { name, label, needs: "npm", command, tasks };
}

/** Node has no WebGPU. */
const DENO = [Deno.execPath(), "run", "--no-prompt", "--allow-read=.", "--allow-env", "--allow-sys"];

/** All rivals, in the order of the table. */
export const RIVALS: readonly Rival[] = [
  { name: "ours", label: "ours again, `exact` (a control: 1 but for noise)", command: [], tasks: BOTH },
  native("native-128", "native C, 128-bit, no FMA"),
  native("native-128-fma", "native C, 128-bit + FMA"),
  native("native-256", "native C, 256-bit + FMA"),
  native("native-512", "native C, 512-bit + FMA"),
  python("jax", "JAX, whole step jitted", "jax_jit.py"),
  python("pytorch-compiled", "PyTorch 2 compiled, fused AdamW", "pytorch.py", "compiled"),
  python("pytorch", "PyTorch 2 eager, fused AdamW", "pytorch.py", "eager"),
  javaScript("tfjs", "TensorFlow.js wasm", ["node", "tfjs.mjs"], { train: 512 }),
  javaScript("jaxjs", "jax-js wasm", ["node", "jaxjs.mjs", "wasm"], { train: 512 }),
  javaScript("onnx", "ONNX Runtime node, loop inside the graph", ["node", "onnx.mjs"], { decode: 1024 }),
  {
    ...javaScript("jaxjs-webgpu", "jax-js WebGPU", [...DENO, "jaxjs.mjs", "webgpu"], { train: 512 }),
    ours: ["webgpu"],
  },
];
