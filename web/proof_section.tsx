import { certificateText, marginText } from "../src/certify/certificate.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { short } from "./format.ts";
import { Heading } from "./explain.tsx";
import { useChanges } from "./hooks.ts";
import { download, fileName } from "./model_section.tsx";
import type { Models } from "./models.ts";
import { STEP_NAMES } from "./names.ts";
import type { Proof, ProofResult } from "./proof.ts";
import { threadsText } from "./capabilities.tsx";
import { Pair } from "./pair.tsx";
import { provedText } from "./run_card.tsx";
import type { Sum } from "./sum.ts";

const UPDATE_MS = 100;

/** The section `Prove`: runs the prover on the current model and shows its result. */
export function ProofSection({ proof, models, sum }: { proof: Proof; models: Models; sum: Sum }) {
  useChanges(UPDATE_MS, proof, models);
  const { subject, result, isRunning, progress } = proof;
  const wrong = result?.counterexample;
  const isElsewhere = subject !== undefined && subject.parameters !== models.current.parameters;
  const { verdict, detail = "", isRight } = isRunning ? runningSummary(proof) : summaryOf(proof);
  return (
    <>
      <Heading
        of="proof"
        title="Prove it"
        text="Random tests can miss a wrong sum among 10²⁰ pairs of numbers. The prover takes all of them at once: it proves every sum right, or finds a pair that is added wrongly."
      >
        The model gives every token a score, its logit, and writes the token with the highest. The margin is the score
        of the correct token minus the best of the others: a sum is right if all its margins are above 0. The prover
        finds a lower bound of the margins of all pairs, for each of the 12 positions of the answer. A refutation is a
        pair with a margin below 0. Hardening trains the model on such pairs and proves again.
      </Heading>
      <div class="flow">
        {/* one button, which keeps the focus */}
        <button
          id="prove"
          class="primary"
          type="button"
          onClick={() => isRunning ? proof.stop() : proof.start(models.current)}
        >
          {isRunning ? "Stop" : "Prove it"}
        </button>
        {result?.certificate && (
          <button
            id="save-certificate"
            type="button"
            onClick={() =>
              download(
                `${fileName(subject!)}.certificate.json`,
                certificateText(result.certificate!),
                "application/json",
              )}
          >
            Save certificate
          </button>
        )}
      </div>
      <progress
        max={1}
        value={progress?.proved ?? 0}
        aria-label="Share of all pairs that is proved"
        hidden={!isRunning}
      />
      <p id="proof-verdict" class="verdict" role="status" data-right={isRight} data-elsewhere={isElsewhere}>
        {verdict}
      </p>
      {wrong && (
        <p>
          Random tests rarely meet such a pair. Add <Pair sum={sum} a={wrong.a} b={wrong.b} />{" "}
          to see which digits are wrong.
        </p>
      )}
      {result && !result.certificate && (
        <p>
          Hardening trains on the pairs that the proof fails on and proves again, up to 12 times.{" "}
          <button id="harden" type="button" onClick={() => proof.start(subject!, { harden: true })}>Harden it</button>
        </p>
      )}
      <p id="proof-elsewhere" class="note" hidden={!isElsewhere}>
        This result is not about the current weights, but about:
      </p>
      <p id="proof-detail" class="note">{subject && `${subject.label}, ${subject.note}. ${detail}`}</p>
      {result && result.steps.length > 0 && <StepTable steps={result.steps} sum={sum} />}
    </>
  );
}

interface Summary {
  readonly verdict: string;
  readonly detail?: string;
  readonly isRight?: boolean;
}

function runningSummary({ progress, round }: Proof): Summary {
  const detail = round &&
    `Round ${round.round} of hardening: trained on ${formatInteger(round.pool)} pairs that the proof failed on.`;
  return { verdict: `Proving … ${provedText(progress)}`, detail };
}

function summaryOf({ subject, result, failure }: Proof): Summary {
  if (failure !== undefined) return { verdict: "The prover failed.", detail: failure, isRight: false };
  if (result === undefined) return { verdict: subject === undefined ? "" : "Stopped before there was a result." };
  const { certificate, counterexample, undecided, seconds, threads } = result;
  const took = seconds === undefined ? "" : `${seconds.toFixed(1)} s on ${threadsText(threads!)}.`;
  if (certificate !== null) {
    const detail = `Smallest margin ${marginText(certificate.worstMargin)} logits, with float32 rounding. ${took}`;
    return { verdict: "Proved right on all 10²⁰ pairs.", detail, isRight: true };
  }
  if (counterexample === null) {
    const left = undecided === null
      ? ""
      : `The margin of the token "${STEP_NAMES[undecided.step]}" may be as low as ${short(undecided.bound)}. `;
    return { verdict: "Undecided: the time ran out.", detail: left + took };
  }
  const { a, b, expected, got, step } = counterexample;
  const answer = step === 11
    ? "gives the right digits, but does not end after them"
    : `gives ${got === null ? "no number" : formatInteger(got)} instead of ${formatInteger(expected)}`;
  return { verdict: `Refuted: ${formatInteger(a)} + ${formatInteger(b)} ${answer}.`, detail: took, isRight: false };
}

function StepTable({ steps, sum }: Pick<ProofResult, "steps"> & { sum: Sum }) {
  const widest = Math.max(...steps.filter(({ step }) => step < 11).map(({ margin }) => margin));
  return (
    <table id="proof-steps">
      <thead>
        <tr>
          <th scope="col">Token</th>
          <th scope="col" colSpan={2}>Margin, at least</th>
          <th scope="col">Closest pair found</th>
        </tr>
      </thead>
      <tbody>
        {steps.map(({ step, margin, worst }) => (
          <tr key={step}>
            <th scope="row">{STEP_NAMES[step]}</th>
            <td>{marginText(margin)}</td>
            <td>
              <span class="bar" style={{ "--share": Math.min(1, margin / widest).toFixed(3) }} />
            </td>
            <td>
              <Pair sum={sum} a={worst.a} b={worst.b} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
