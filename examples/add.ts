// Adds with the shipped weights. No permission, no network, nothing to wait for.
import { add, addMany } from "@x/tiny-adder";

console.log(add(42, 7)); // 49
console.log(add(9999999999n, 1n)); // 10000000000n: bigint in, bigint out
console.log(addMany([[1, 2], [95, 7]])); // [3, 102]

try {
  add(-1, 5);
} catch (error) {
  console.log((error as RangeError).message); // says what an operand must be, and which value was found
}
