/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// The worker of worker.ts: trains with the options that it is sent and answers with the result.
import { loadAdder, train, type TrainOptions } from "@x/tiny-adder";

self.onmessage = async ({ data }: MessageEvent<TrainOptions>) => {
  const { checkpoint, report } = await train(data);
  self.postMessage({ exactMatch: report.exactMatch, sum: loadAdder(checkpoint).add(95, 7) });
};
