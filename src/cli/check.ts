import { checkCertificate } from "../checker/check.ts";
import { formatInteger } from "../common/format_value.ts";
import { defineCommand } from "./command.ts";
import { FROM_FLAG, inputFile } from "./flags.ts";
import { modelFrom, readText } from "./files.ts";
import { printResult } from "./format.ts";

export const checkCommand = defineCommand({
  description:
    "Checks a certificate with a small independent checker. The exit code is 1 if the certificate is refused.",
  flags: {
    certificate: {
      ...inputFile("FILE", "certificate that certify wrote, a JSON file; -: standard input"),
      required: true,
    },
    from: FROM_FLAG,
  },
  permissions: "--allow-read=FILE,CKPT",
  example: "deno run --allow-read=run cli.ts check --certificate run/proof.json --from run/model.safetensors",
  async run({ flags: { certificate: file, from }, json }) {
    const text = await readText(file, "a certificate");
    const certificate: unknown = await Promise.resolve(text).then(JSON.parse).catch(() => undefined); // is refused
    const { checkpoint, name } = await modelFrom(from);
    const started = performance.now();
    const result = await checkCertificate(certificate, checkpoint);
    const seconds = (performance.now() - started) / 1000;
    const verdict = result.accepted
      ? `accepted: ${formatInteger(result.parts)} parts cover all 10^20 pairs (${seconds.toFixed(1)} s)`
      : `refused: ${result.reason}`;
    const report = { ...result, certificate: file, checkpoint: name, seconds };
    return printResult(report, verdict, { json, ok: result.accepted });
  },
});
