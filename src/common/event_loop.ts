/** Lets timers, signals and key presses run, which could abort: what computes at once would hold them up to its end. */
export function eventLoopTurn(): Promise<void> {
  // messages of Node 22 fail without WebAssembly, which its own code for them compiles
  if (typeof WebAssembly === "undefined") return new Promise((resolve) => setTimeout(resolve));
  // a message, as a timer takes a millisecond at least, four in a page, and costs a Deno process 3 MiB more (measured)
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
