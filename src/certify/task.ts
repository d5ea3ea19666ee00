/**
 * What a thread of the worker pool is given to do.
 */
import type { Aim, Found, GroupProof, Prover } from "./prover.ts";
import type { Input } from "./types.ts";

/** A part of a proof. */
export type Task =
  | { readonly kind: "estimate"; readonly step: number; readonly token: number }
  | { readonly kind: "search"; readonly step: number; readonly token: number; readonly groups: readonly number[] }
  | { readonly kind: "descend"; readonly step: number; readonly inputs: readonly Input[] }
  | {
    readonly kind: "prove";
    readonly step: number;
    readonly token: number;
    readonly groups: readonly number[];
    readonly aim: Aim;
    /** Milliseconds of Date.now() after which it is given up. */
    readonly until: number;
  };

/** The result of a task by its kind. */
export interface Results {
  /** Of the least margin of each group. */
  estimate: Float64Array;
  /** Inputs with small margins. */
  search: Found[];
  /** One entry an input. */
  descend: Found[];
  /** One entry a group. */
  prove: GroupProof[];
}

/** Runs a task on this thread. */
export function runTask(prover: Prover, task: Task): Results[Task["kind"]] {
  const { step } = task;
  switch (task.kind) {
    case "estimate":
      return prover.estimate(step, task.token);
    case "search":
      return task.groups.flatMap((group) => prover.search(step, task.token, group));
    case "descend":
      return prover.descend(step, task.inputs);
    case "prove":
      return task.groups.map((group) => prover.prove(step, task.token, group, task.aim, task.until));
  }
}
