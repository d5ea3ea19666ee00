import { certificateText, marginText } from "../src/certify/certificate.ts";
import { formatInteger } from "../src/common/format_value.ts";
import { short, STEP_NAMES } from "./format.ts";
import { Heading } from "./explain.tsx";
import { useChanges } from "./hooks.ts";
import { models } from "./models.ts";
import { download } from "./model_section.tsx";
import { proof } from "./proof.ts";
import { plural } from "../src/cli/format.ts";
import { provedText } from "./run_card.tsx";
import { Pair } from "./sum_section.tsx";

export function ProofSection() {
  useChanges(100, proof, models);
  const { subject, result, isRunning, progress } = proof;
  const { current } = models;
  const { certificate, counterexample: wrong, steps = [] } = result ?? {};
  const widest = Math.max(...steps.filter(({ step }) => step < 11).map(({ margin }) => margin));
  const isElsewhere = subject !== undefined && subject.parameters !== current.parameters;
  const toggle = () => isRunning ? proof.stop() : proof.start(current);
  const save = () => download(subject!, "certificate.json", certificateText(certificate!));
  const { verdict, detail = "", isRight } = summary();
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
        <button id="prove" class="primary" type="button" onClick={toggle}>{isRunning ? "Stop" : "Prove it"}</button>
        {certificate && <button id="save-certificate" type="button" onClick={save}>Save certificate</button>}
      </div>
      <progress value={progress?.proved ?? 0} aria-label="Share of all pairs that is proved" hidden={!isRunning} />
      <p id="proof-verdict" class="verdict" role="status" data-right={isElsewhere ? "" : isRight}>{verdict}</p>
      {wrong && (
        <p>
          Random tests rarely meet such a pair. Add <Pair {...wrong} /> to see which digits are wrong.
        </p>
      )}
      {result && !certificate && (
        <p>
          Hardening trains on the pairs that the proof fails on and proves again, up to 12 times.{" "}
          <button id="harden" type="button" onClick={() => proof.start(subject!, { hardens: true })}>Harden it</button>
        </p>
      )}
      <p id="proof-elsewhere" class="note" hidden={!isElsewhere}>
        This result is not about the current weights, but about:
      </p>
      <p id="proof-detail" class="note">{subject && `${subject.label}, ${subject.note}. ${detail}`}</p>
      {steps.length > 0 && (
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
                <td class="bar" style={{ "--share": Math.min(1, margin / widest).toFixed(3) }} />
                <td>
                  <Pair {...worst} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function summary(): { verdict: string; detail?: string; isRight?: boolean } {
  const { subject, result, failure, isRunning, progress, round } = proof;
  if (isRunning) {
    const detail = round &&
      `Round ${round.round} of hardening: trained on ${formatInteger(round.pool)} pairs that the proof failed on.`;
    return { verdict: `Proving … ${provedText(progress)}`, detail };
  }
  if (failure !== undefined) return { verdict: "The prover failed.", detail: failure, isRight: false };
  if (result === undefined) return { verdict: subject === undefined ? "" : "Stopped before there was a result." };
  const { certificate, counterexample, undecided, seconds, threads } = result;
  const took = seconds === undefined ? "" : `${seconds.toFixed(1)} s on ${plural(threads!, "thread")}.`;
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
