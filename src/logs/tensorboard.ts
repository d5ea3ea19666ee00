// Event files of TensorBoard: records as TensorFlow frames them, each an Event message.
// https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/lib/io/record_writer.h and .../core/util/event.proto
import { concatenate, pack } from "../checkpoint/common/bytes.ts";
import { crc32c } from "../checkpoint/common/crc32.ts";
import { encodeMessage, type Message } from "../checkpoint/common/protobuf.ts";
import type { LogLine, RunLog } from "./run_log.ts";

/** Field numbers of Event. */
const [WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION_LOG] = [1, 2, 3, 5, 7];
/** The status of a SessionLog by which TensorBoard drops later steps of an earlier attempt. */
const START = 1;

/** The numbers of an event that become scalars, and the first part of their tags. */
const SCALARS = new Map([
  ["step", ["train", "loss", "learningRate", "gradientNorm", "examplesPerSecond"]],
  ["evaluation", ["evaluation", "exactMatch", "digitAccuracy"]],
]);

/** CRC-32C, rotated and shifted, because records may hold checksums themselves. */
function maskedChecksum(bytes: Uint8Array): Uint8Array {
  const sum = crc32c(bytes);
  return pack("I", (sum >>> 15 | sum << 17) + 0xa282ead8);
}

function record(event: Message): Uint8Array {
  const content = encodeMessage(event);
  const length = pack("II", content.length, 0);
  return concatenate([length, maskedChecksum(length), content, maskedChecksum(content)]);
}

/** The values of a Summary: `learningRate` of a step has the tag `train/learning_rate`. */
function scalars(line: LogLine): Message[] {
  const [group, ...names] = SCALARS.get(line.event) ?? [];
  return names.filter((name) => typeof line[name] === "number").map((name) => ({
    1: `${group}/${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
    2: Float32Array.of(line[name] as number),
  }));
}

/** An event file of a run. @param seconds The time of its events, in seconds since 1970: the log has none */
export function toEventFile({ lines }: RunLog, seconds: number): Uint8Array {
  const time = { [WALL_TIME]: Float64Array.of(seconds) };
  const records = [record({ ...time, [FILE_VERSION]: "brain.Event:2" })];
  for (const line of lines) {
    const values = scalars(line);
    if (values.length > 0) records.push(record({ ...time, [STEP]: Number(line.step), [SUMMARY]: { 1: values } }));
    else if (line.event === "restart") records.push(record({ ...time, [STEP]: 0, [SESSION_LOG]: { 1: START } }));
  }
  return concatenate(records);
}
