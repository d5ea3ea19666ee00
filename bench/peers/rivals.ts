/**
 * The rivals: what each needs and how it is run.
 *
 * @module
 */
import type { Part } from "./setup.ts";

/** Somebody else's way to do what we do. */
export interface Rival {
  /** For `--only`. */
  name: string;
  /** For the table. */
  label: string;
  /** What must be installed; ours needs nothing. */
  needs?: Part;
  /** The program, to which the arguments of the protocol are added; it runs in the folder of the rivals. */
  command: string[];
  /** What is timed, and at which batch size. */
  tasks: { train?: number; decode?: number };
}

function native(name: Part, label: string): Rival {
  return { name, label, needs: name, command: [`./${name}`], tasks: { train: 128, decode: 4096 } };
}

function python(name: string, label: string, ...command: string[]): Rival {
  return { name, label, needs: "python", command: ["venv/bin/python", ...command], tasks: { train: 128 } };
}

/** All rivals, in the order of the table. */
export const RIVALS: readonly Rival[] = [
  {
    name: "ours",
    label: "ours again, `exact` (a control: 1 but for noise)",
    command: ["ours"],
    tasks: { train: 128, decode: 4096 },
  },
  native("native-128", "native C, 128-bit, no FMA"),
  native("native-128-fma", "native C, 128-bit + FMA"),
  native("native-256", "native C, 256-bit + FMA"),
  native("native-512", "native C, 512-bit + FMA"),
  python("jax", "JAX, whole step jitted", "jax_jit.py"),
  python("pytorch-compiled", "PyTorch 2 compiled, fused AdamW", "pytorch.py", "compiled"),
  python("pytorch", "PyTorch 2 eager, fused AdamW", "pytorch.py", "eager"),
  { name: "tfjs", label: "TensorFlow.js wasm", needs: "npm", command: ["node", "tfjs.mjs"], tasks: { train: 512 } },
  { name: "jaxjs", label: "jax-js wasm", needs: "npm", command: ["node", "jaxjs.mjs", "wasm"], tasks: { train: 512 } },
  {
    name: "onnx",
    label: "ONNX Runtime node, loop inside the graph",
    needs: "npm",
    command: ["node", "onnx.mjs"],
    tasks: { decode: 1024 },
  },
];
