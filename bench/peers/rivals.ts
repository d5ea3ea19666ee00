/** The rivals: what each needs and how it is run. */

/** What must be installed in the folder of the rivals. */
export interface Part {
  name: string;
  /** The file of `programs/` whose text says which installation it is. */
  source: string;
  commands: string[][];
}

export interface Rival {
  /** For `--only`. */
  name: string;
  label: string;
  /** Ours needs nothing. */
  part?: Part;
  /** The program, to which the arguments of the protocol are added. */
  command: string[];
  /** What is timed, and at which batch size. */
  tasks: { train?: number; decode?: number };
  /** The forms of ours that it is compared with. @default {["exact", "fast"]} */
  ours?: readonly string[];
}

const NPM = {
  ...{ name: "npm", source: "package.json" },
  commands: [["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]],
};

export const PYTHON: Part = {
  ...{ name: "python", source: "requirements.txt" },
  commands: [
    ["python3", "-m", "venv", "venv"],
    ["./venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"],
  ],
};

const BOTH = { train: 128, decode: 4096 };
/** For native libraries and for WebGPU, which Node has not. */
const DENO = [Deno.execPath(), "run", "--no-prompt", "--allow-read=.", "--allow-env", "--allow-sys"];

function native(name: string, label: string, ...flags: string[]): Rival {
  const [library, common] = [`./${name}.so`, [
    "-O3",
    "-std=gnu11",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wno-psabi",
  ]];
  const commands = [["gcc", "-shared", "-fPIC", ...common, ...flags, "native.c", "-o", library, "-lm"]];
  const command = [...DENO, "--allow-ffi", "native.mjs", library];
  return { name, label, part: { name, source: "native.c", commands }, command, tasks: BOTH };
}

function python(name: string, label: string, ...command: string[]): Rival {
  return { name, label, part: PYTHON, command: ["./venv/bin/python", ...command], tasks: { train: 128 } };
}

const [FMA, NO_FMA] = Deno.build.arch === "x86_64" ? [["-mavx2", "-mfma"], ["-mavx2", "-mno-fma"]] : [[], []];
const AVX512 = ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"];

/** All rivals, in the order of the table. */
export const RIVALS: readonly Rival[] = [
  { name: "ours", label: "ours again, `exact` (a control: 1 but for noise)", command: [], tasks: BOTH },
  native("native-128", "native C, 128-bit, no FMA", "-DLANES=4", "-ffp-contract=off", ...NO_FMA),
  native("native-128-fma", "native C, 128-bit + FMA", "-DLANES=4", ...FMA),
  native("native-256", "native C, 256-bit + FMA", "-DLANES=8", "-mavx2", "-mfma"),
  native("native-512", "native C, 512-bit + FMA", "-DLANES=16", ...AVX512),
  python("jax", "JAX, whole step jitted", "jax_jit.py"),
  python("pytorch-compiled", "PyTorch 2 compiled, fused AdamW", "pytorch.py", "compiled"),
  python("pytorch", "PyTorch 2 eager, fused AdamW", "pytorch.py", "eager"),
  { name: "tfjs", label: "TensorFlow.js wasm", part: NPM, command: ["node", "tfjs.mjs"], tasks: { train: 512 } },
  { name: "jaxjs", label: "jax-js wasm", part: NPM, command: ["node", "jaxjs.mjs", "wasm"], tasks: { train: 512 } },
  {
    ...{ name: "onnx", label: "ONNX Runtime node, loop inside the graph", part: NPM },
    ...{ command: ["node", "onnx.mjs"], tasks: { decode: 1024 } },
  },
  {
    ...{ name: "jaxjs-webgpu", label: "jax-js WebGPU", part: NPM, command: [...DENO, "jaxjs.mjs", "webgpu"] },
    ...{ tasks: { train: 512 }, ours: ["webgpu"] },
  },
];
