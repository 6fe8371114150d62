// Walks XState machines: reads [{machine, steps: [[event, [[guard, verdict], ...]], ...]}, ...]
// from standard input, and writes the path after each step.
import { isDeepStrictEqual } from "node:util";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { createMachine, initialTransition, transition } = createRequire(process.argv[2])("xstate");
let verdicts = [];

const asked = (guard) => {
  const parts = guard.params?.guards;
  if (guard.type === "and") return parts.every(asked);
  if (guard.type === "or") return parts.some(asked);
  if (guard.type === "not") return !asked(parts[0]);
  return verdicts.find(([one]) => isDeepStrictEqual(one, guard))[1];
};
const types = (value, found = new Set()) => {
  if (value && typeof value === "object") {
    if (value.guard) found.add(value.guard.type);
    Object.values(value).forEach((part) => types(part, found));
  }
  return found;
};
const path = (value) =>
  typeof value === "string" ? [value] : Object.entries(value).flatMap(([key, part]) => [key, ...path(part)]);

const walks = JSON.parse(readFileSync(0, "utf8")).map(({ machine: config, steps }) => {
  const guards = {};
  for (const type of types(config)) {
    guards[type] = (_, params) => asked(params === undefined ? { type } : { type, params });
  }
  const machine = createMachine(config, { guards, actions: { restart: () => {} } });
  verdicts = steps.length ? steps[0][1] : [];
  let [snapshot] = initialTransition(machine);
  const paths = [path(snapshot.value)];
  for (const [event, answers] of steps) {
    verdicts = answers;
    let type = event;
    if (event === "after") {
      const leaf = machine.getStateNodeById([machine.id, ...path(snapshot.value)].join("."));
      type = leaf.after[0].eventType;
    }
    [snapshot] = transition(machine, snapshot, { type });
    paths.push(path(snapshot.value));
  }
  return paths;
});
process.stdout.write(JSON.stringify(walks));
