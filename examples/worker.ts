// Trains in a worker, so that this thread stays free. The same two files do in a browser, as JavaScript.
const worker = new Worker(new URL("./worker_training.ts", import.meta.url), { type: "module" });

let turns = 0;
const timer = setInterval(() => turns++, 10); // what a page would do meanwhile: draw, answer clicks

worker.onmessage = ({ data: { exactMatch, sum } }) => {
  clearInterval(timer);
  worker.terminate();
  console.log(`${100 * exactMatch}% added correctly; 95 + 7 = ${sum}`);
  console.log(`meanwhile this thread took ${turns} turns`);
};
worker.postMessage({ recipe: "fast", seed: 1 });
