/**
 * The rivals: what each needs, how its loss is checked, how it is run and how its rates are read off its output.
 *
 * @module
 */
import { GOLDEN_SET, type Part, type Workshop } from "./workshop.ts";
import { type Check, goldenLoss, nativeLoss, onnxDigits, readLastJson, tfjsCarefulLoss } from "./same_loss.ts";

/** What is timed: a training step, or the greedy decoding of a sum. */
export type Task = "train" | "decode";

/** One rate that a run of a rival gives. */
export interface Reading {
  /** What was timed. */
  task: Task;
  /** Examples a step, or problems decoded together. */
  batch: number;
  /** What the rival divides by. We divide by the same. */
  clock: "cpu" | "wall";
  /** What the rival makes of its repeats. We make the same of ours. */
  statistic: "best" | "median";
  /** Examples or additions a second. */
  read: (stdout: string) => number;
}

/** One program that a rival runs in each round. */
export interface RivalRun {
  /** The program and its arguments; `effort` is 1, or less for a quick look, and scales the number of steps. */
  command: (workshop: Workshop, effort: number) => string[];
  /** Its working folder within the workshop. @default {"."} */
  folder?: string;
  /** How often it is run in each round, with us. @default {1} */
  bouts?: number;
  /** The rates in its output. */
  readings: readonly Reading[];
}

/** Somebody else's way to do what we do. */
export interface Rival {
  /** For `--only`. */
  name: string;
  /** For the table. */
  label: string;
  /** What must have been set up. */
  needs: readonly Part[];
  /** Whether it computes what we compute. */
  check: Check;
  /** What is run in each round. */
  runs: readonly RivalRun[];
}

const GOLDEN = `${GOLDEN_SET}.json`;

function steps(count: number, effort: number): string {
  return String(Math.max(1, Math.round(count * effort)));
}

function matched(pattern: RegExp, text: string): number {
  return Number(pattern.exec(text)?.[1]);
}

/** A rate for a second of CPU time, in a field of the JSON line that a rival ends with; steps times `each` are examples. */
function perCpuSecond(task: Task, batch: number, each: number, field = "per_cpu_s"): Reading {
  return {
    task,
    batch,
    clock: "cpu",
    statistic: "median",
    read: (stdout) => each * Number(readLastJson(stdout)[field]),
  };
}

/** The native program prints the best of three, by its CPU time; it decodes 200,000 problems in one go. */
function native(name: string, label: string, binary: Part): Rival {
  const reading = (task: Task, batch: number, pattern: RegExp): Reading => ({
    task,
    batch,
    clock: "cpu",
    statistic: "best",
    read: (stdout) => matched(pattern, stdout),
  });
  return {
    name,
    label,
    needs: [binary],
    check: nativeLoss(binary),
    runs: [{
      command: (_, effort) => [`./${binary}`, "bench", `steps=${steps(300, effort)}`],
      folder: "native",
      bouts: 3, // it is quick, and near to us: here the noise counts
      readings: [
        reading("train", 128, /batch 128: .* (\d+) examples\/s/),
        reading("decode", 200_000, /greedy inference (\d+) adds\/s/),
      ],
    }],
  };
}

/** A peer that takes `--task`, `--batch`, `--steps` and `--runs`: it trains at batch 128 and decodes 1024 problems at a time. */
function trainAndDecode(
  program: (workshop: Workshop) => string[],
  { trainSteps, decodeSteps }: { trainSteps: number; decodeSteps: number },
): RivalRun[] {
  const run = (task: string, batch: number, count: number, reading: Reading): RivalRun => ({
    command: (workshop, effort) => [
      ...program(workshop),
      ...["--task", task, "--batch", String(batch), "--steps", steps(count, effort), "--runs", "3"],
    ],
    readings: [reading],
  });
  return [
    run("train", 128, trainSteps, perCpuSecond("train", 128, 128)),
    run("infer", 1024, decodeSteps, perCpuSecond("decode", 1024, 1)),
  ];
}

function pytorch(name: string, label: string, compile: boolean): Rival {
  const flags = ["--threads", "1", "--trim", "--opt", "fused", "--warmup", "5", ...(compile ? ["--compile"] : [])];
  return {
    name,
    label,
    needs: ["python"],
    check: goldenLoss(({ python }) => [python, "pytorch_loss.py", GOLDEN, ...(compile ? ["compile"] : [])]),
    runs: trainAndDecode(({ python }) => [python, "pytorch_peer.py", ...flags], { trainSteps: 60, decodeSteps: 3 }),
  };
}

const TFJS = ["node", "tfjs_peer.mjs", "--backend", "wasm", "--custom-grads"];
const JAXJS = ["node", "jaxjs_peer.mjs"];
const ONNX = ["node", "onnx/onnx_peer.mjs", "--rt", "node", "--graph", "decode"];

/** All rivals, in the order of the table. */
export const RIVALS: readonly Rival[] = [
  native("native-128", "native C, 128-bit, no FMA (adder4s): the limit of exact", "adder4s"),
  native("native-128-fma", "native C, 128-bit + FMA (adder4): the limit of fast", "adder4"),
  native("native-256", "native C, 256-bit + FMA (adder8)", "adder8"),
  native("native-512", "native C, 512-bit + FMA (adder16)", "adder16"),
  {
    name: "jax",
    label: "JAX, whole step jitted",
    needs: ["python"],
    check: goldenLoss(({ python }) => [python, "jax_peer.py", "--task", "grads", "--golden", GOLDEN]),
    runs: trainAndDecode(({ python }) => [python, "jax_peer.py"], { trainSteps: 100, decodeSteps: 3 }),
  },
  pytorch("pytorch-compiled", "PyTorch 2 compiled, trimmed, fused AdamW", true),
  pytorch("pytorch", "PyTorch 2 eager, trimmed, fused AdamW", false),
  {
    name: "tfjs-careful",
    label: "TensorFlow.js wasm, most careful form",
    needs: ["npm"],
    check: tfjsCarefulLoss,
    runs: [{
      command: (_, effort) => ["node", "tfjs_careful_peer.mjs", "--batch=512", `--steps=${steps(40, effort)}`],
      readings: [{
        task: "train",
        batch: 512,
        clock: "wall",
        statistic: "median",
        read: (stdout) => Number(readLastJson(stdout).ex_per_s),
      }],
    }],
  },
  {
    name: "tfjs",
    label: "TensorFlow.js wasm, exact model",
    needs: ["npm"],
    check: goldenLoss(() => [...TFJS, "--task", "grads", "--golden", GOLDEN]),
    runs: trainAndDecode(() => TFJS, { trainSteps: 10, decodeSteps: 1 }),
  },
  {
    name: "jaxjs-careful",
    label: "jax-js wasm, most careful form (ours: bench/peers/jaxjs_careful.mjs)",
    needs: ["npm"],
    check: goldenLoss(() => ["node", "jaxjs_careful.mjs", "loss", GOLDEN]),
    runs: [{
      command: (_, effort) => ["node", "jaxjs_careful.mjs", "train", "512", steps(5, effort), "3"],
      readings: [perCpuSecond("train", 512, 512, "perCpuSecond")],
    }],
  },
  {
    name: "jaxjs",
    label: "jax-js wasm",
    needs: ["npm"],
    check: goldenLoss(() => [...JAXJS, "--task", "grads", "--golden", GOLDEN]),
    runs: trainAndDecode(() => JAXJS, { trainSteps: 10, decodeSteps: 1 }),
  },
  {
    name: "onnx",
    label: "ONNX Runtime node, loop inside the graph",
    needs: ["npm", "python", "onnx"],
    check: onnxDigits,
    runs: [{
      command: (_, effort) => [...ONNX, "--batch", "1024", "--runs", "3", "--steps", steps(4, effort)],
      readings: [perCpuSecond("decode", 1024, 1)],
    }],
  },
];
