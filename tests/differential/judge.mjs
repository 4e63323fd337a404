// The outside judge: reads cases as JSON lines from standard input, asks `@cloud-copilot/iam-simulate` about each and
// compares its decision with `expected`. The package is AGPL-3.0: it runs here, in a process of its own, and nothing of
// it is part of the product.
//
//   node judge.mjs DIRECTORY [SHOWN]
//
// DIRECTORY is where the package is installed; up to SHOWN differences are printed in full. The last line is a JSON
// object with counts.

import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [directory = ".", shown = "3"] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(resolve(directory), "package.json")));
const { runSimulation } = require("@cloud-copilot/iam-simulate");

const DECISIONS = { Allowed: "Allow", ImplicitlyDenied: "ImplicitDeny", ExplicitlyDenied: "ExplicitDeny" };

const list = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const named = (value) => list(value).map((policy, at) => ({ name: `p${at}`, policy }));
const levels = (value) =>
  list(value).map((level, at) => ({ orgIdentifier: `level${at}`, policies: named(level) }));

function simulation({ request, policies }) {
  const [session] = list(policies.session);
  const [resource] = list(policies.resource);
  return {
    request: {
      principal: request.principal.arn,
      action: request.action,
      resource: { resource: request.resource, accountId: request.resourceAccount },
      contextVariables: request.context,
    },
    identityPolicies: named(policies.identity),
    serviceControlPolicies: levels(policies.scp),
    resourceControlPolicies: levels(policies.rcp),
    permissionBoundaryPolicies: policies.boundary && named(policies.boundary),
    vpcEndpointPolicies: policies.vpce && named(policies.vpce),
    sessionPolicy: session,
    resourcePolicy: resource,
  };
}

const counts = { cases: 0, differences: 0, failures: 0, explainedBySwitches: 0, decisions: {} };

async function ask(line) {
  const asked = JSON.parse(line);
  const answer = await runSimulation(simulation(asked), {});
  counts.cases += 1;
  const ignored = answer.result?.ignoredContextKeys ?? [];
  const decision = DECISIONS[answer.overallResult];
  if (decision === undefined || ignored.length > 0) {
    counts.failures += 1;
    report(asked, { failure: answer.errors ?? answer, ignored });
    return;
  }
  counts.decisions[decision] = (counts.decisions[decision] ?? 0) + 1;
  if (decision !== asked.expected.decision) {
    counts.differences += 1;
    report(asked, { outsideJudge: decision, analysis: answer.result?.analysis?.blockedBy });
  } else if (decision !== asked.expected.withoutSwitches) {
    counts.explainedBySwitches += 1;
  }
}

function report(asked, found) {
  if (counts.differences + counts.failures <= Number(shown)) {
    console.log(JSON.stringify({ ...asked, found }, null, 1));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "") await ask(line);
}
console.log(JSON.stringify(counts));
process.exitCode = counts.differences + counts.failures > 0 ? 1 : 0;
