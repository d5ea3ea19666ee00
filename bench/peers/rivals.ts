/** The rivals: what each needs, how it is installed and how it is run. */
import { fromFileUrl, join } from "@std/path";
import { tensorsToWrite } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { chunksOf } from "../../src/model/problem.ts";
import { promptTokens, targetTokens } from "../../src/model/vocabulary.ts";
import { encodeDecoder } from "./onnx_graph.ts";
import { golden, ProgramError, runProgram } from "./protocol.ts";

/** What must be installed in the folder of the rivals. */
export interface Part {
  name: string;
  /** The file of `programs/` whose text says which installation it is. */
  source: string;
  /** Run one after the other, their words as they stand between spaces. */
  commands: string[];
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

const NPM = { name: "npm", source: "package.json", commands: ["npm install --ignore-scripts --no-audit --no-fund"] };
export const PYTHON = {
  ...{ name: "python", source: "requirements.txt" },
  commands: ["python3 -m venv venv", "./venv/bin/python -m pip install --quiet -r requirements.txt"],
};

const BOTH = { train: 128, decode: 4096 };
/** For native libraries and for WebGPU, which Node has not. */
const DENO = [Deno.execPath(), "run", "--no-prompt", "--allow-read=.", "--allow-env", "--allow-sys"];

/** The command of ours; a form is `exact`, `fast` or `webgpu`. */
export function ours(form: string): string[] {
  const [program, config] = ["./ours.ts", "../deno.json"].map((path) => fromFileUrl(new URL(path, import.meta.url)));
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-read", "--config", config, program, form];
}

function native(name: string, label: string, flags: string): Rival {
  const math = "-fno-math-errno -fno-trapping-math -fno-signed-zeros -ffinite-math-only";
  const command = `gcc -shared -fPIC -O3 -std=gnu11 -Wno-psabi ${math} ${flags} native.c -o ${name}.so -lm`;
  const part = { name, source: "native.c", commands: [command] };
  return { name, label, part, command: [...DENO, "--allow-ffi", "native.mjs", `./${name}.so`], tasks: BOTH };
}

function python(name: string, label: string, ...command: string[]): Rival {
  return { name, label, part: PYTHON, command: ["./venv/bin/python", ...command], tasks: { train: 128 } };
}

function npm(name: string, label: string, tasks: Rival["tasks"], ...command: string[]): Rival {
  return { name, label, part: NPM, command, tasks };
}

const [FMA, NO_FMA] = Deno.build.arch === "x86_64" ? [" -mavx2 -mfma", " -mavx2 -mno-fma"] : ["", ""];
const AVX512 = "-mavx512f -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512";

/** All rivals, in the order of the table. */
export const RIVALS: readonly Rival[] = [
  { name: "ours", label: "ours again, `exact` (a control: 1 but for noise)", command: ours("exact"), tasks: BOTH },
  native("native-128", "native C, 128-bit, no FMA", `-DLANES=4 -ffp-contract=off${NO_FMA}`),
  native("native-128-fma", "native C, 128-bit + FMA", `-DLANES=4${FMA}`),
  native("native-256", "native C, 256-bit + FMA", "-DLANES=8 -mavx2 -mfma"),
  native("native-512", "native C, 512-bit + FMA", `-DLANES=16 ${AVX512}`),
  python("jax", "JAX, whole step jitted", "jax_jit.py"),
  python("pytorch-compiled", "PyTorch 2 compiled, fused AdamW", "pytorch.py", "compiled"),
  python("pytorch", "PyTorch 2 eager, fused AdamW", "pytorch.py", "eager"),
  npm("tfjs", "TensorFlow.js wasm", { train: 512 }, "node", "tfjs.mjs"),
  npm("jaxjs", "jax-js wasm", { train: 512 }, "node", "jaxjs.mjs", "wasm"),
  npm("onnx", "ONNX Runtime node, loop inside the graph", { decode: 1024 }, "node", "onnx.mjs"),
  { ...npm("jaxjs-webgpu", "jax-js WebGPU", { train: 512 }, ...DENO, "jaxjs.mjs", "webgpu"), ours: ["webgpu"] },
];

/** Where everything is installed, unless another folder is named. */
export const WORK = "/tmp/tiny-adder-peers";

/**
 * Fills the folder in which rivals run: copies of `programs/`, their data, and parts, installed there and nowhere else. It is kept, so that the second
 * run need not install anything.
 *
 * @returns For parts that are missing the reason, and the command that installs them
 */
export async function setUp(folder: string, parts: Iterable<Part>, install: boolean): Promise<Map<Part, string>> {
  await Deno.mkdir(folder, { recursive: true });
  const programs = new URL("./programs/", import.meta.url);
  for await (const { name, isFile } of Deno.readDir(programs)) {
    if (isFile) await Deno.copyFile(fromFileUrl(new URL(name, programs)), join(folder, name));
  }
  const { parameters, operands } = await golden();
  const { tensors } = tensorsToWrite({ model: 763, parameters, metadata: {} });
  const weights = tensors.map(({ name, shape, values }) => ({ name, shape, values: [...values] }));
  const pairs = [...chunksOf(operands, 1)].map(({ chunk }) => chunk);
  const problems = pairs.map(([a, b]) => [...promptTokens(a, b), ...targetTokens(a, b)]);
  await Deno.writeTextFile(join(folder, "golden.json"), JSON.stringify({ weights, problems }));
  await Deno.writeFile(join(folder, "decode.onnx"), encodeDecoder(tensors));
  const missing = new Map<Part, string>();
  for (const part of new Set(parts)) {
    const mark = join(folder, `.${part.name}-is-ready`);
    const key = await Deno.readTextFile(join(folder, part.source));
    if (await Deno.readTextFile(mark).catch(() => "") === key) continue;
    try {
      if (!install) throw new ProgramError("not installed");
      console.error(`setting up ${part.name} in ${folder} …`);
      for (const command of part.commands) await runProgram(command.split(" "), { folder, timeout: 1800 });
      await Deno.writeTextFile(mark, key);
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      missing.set(part, `${error.message}; what would install it: cd ${[folder, ...part.commands].join(" && ")}`);
    }
  }
  return missing;
}
