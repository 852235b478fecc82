/**
 * Everything that can happen to one group in front of a remote homeserver, one step at a time, over the engine's own
 * rules: `rules/*.ts` decide; only the homeserver, the wire and the nodes' deaths are made up here.
 *
 * Time is folded: a deadline is `ahead` or reached (0), and any step may let it be reached. A request that was
 * written may be carried out, or die, at any later moment; its answer may be lost.
 */
import { afterAttempt, beginAttempt } from '../../src/rules/attempt.ts';
import { cancelFuture } from '../../src/rules/cancel.ts';
import { claimByHand, claimDue, resume, takeOver } from '../../src/rules/claim.ts';
import { accepted, givenBack, outcomeUnknown, provedAbsent, refused } from '../../src/rules/delivered.ts';
import { refreshFuture } from '../../src/rules/refresh.ts';
import type { Future, Group, World } from '../../src/index.ts';

export const ahead = 10;

export type NodeName = 'A' | 'B';

/** One node's delivery of one claim. */
export interface Run {
  readonly epoch: number;
  readonly certain: boolean;
  /** `certain` before the attempt under way */
  readonly certainBefore: boolean;
  readonly stage: 'ready' | 'writing' | 'waiting' | 'look';
  readonly winner: number;
}

export interface Request {
  readonly winner: number;
  /** whose answer it is waited for; null: nobody waits any more */
  readonly node: NodeName | null;
  readonly state: 'under-way' | 'accepted' | 'refused';
}

export interface State {
  readonly group: Group;
  readonly runs: Readonly<Record<NodeName, Run | null>>;
  /** the node does nothing, and may wake at any moment where it stood */
  readonly frozen: boolean;
  readonly requests: readonly Request[];
  /** the winners whose events are in the room, in order */
  readonly events: readonly number[];
  /** the transactions the homeserver remembers */
  readonly remembered: readonly number[];
  readonly stateArrived: boolean;
  /** what may still go wrong, so that the exploration ends */
  readonly left: {
    readonly claims: number;
    readonly attempts: number;
    readonly crashes: number;
    readonly forgets: number;
    readonly freezes: number;
    readonly refreshes: number;
  };
}

export interface Setting {
  readonly memory: 'durable' | 'forgets';
  readonly nodes: readonly NodeName[];
  readonly left: State['left'];
  /** the rule that is left out, to see that the exploration finds it missing */
  readonly without?: 'refusal-after-unknown-is-unknown' | 'look-waits' | 'taken-over-never-reopens';
}

const sender = '@alice:example.org';

function future(id: number, timeout: number | null, stateKey: string | null): Future {
  return {
    id,
    nonce: { high: 0, low: id },
    generation: 'futures',
    draft: { room: '!room', sender, type: 'm.test', stateKey, content: {}, extras: {} },
    action: null,
    heartbeat: null,
    timeout,
    deadline: timeout === null ? null : ahead,
    fence: { kind: 'untold' },
    stateOrder: 0,
    since: 0,
    status: 'scheduled',
    outcome: null,
  };
}

/** Two timeout futures, the first of them state, and an action future. */
export function initial(setting: Setting): State {
  return {
    group: {
      id: 1,
      owner: sender,
      name: 'call',
      phase: 'open',
      epoch: 0,
      claim: null,
      sendNow: null,
      futures: [future(1, ahead, 'alice'), future(2, ahead, null), future(3, null, null)],
      endedAt: null,
    },
    runs: { A: null, B: null },
    frozen: false,
    requests: [],
    events: [],
    remembered: [],
    stateArrived: false,
    left: setting.left,
  };
}

export interface Step {
  readonly name: string;
  readonly to: State;
}

/** Every step that can come next. */
export function steps(state: State, setting: Setting): Step[] {
  const found: Step[] = [];
  const add = (name: string, to: Partial<State>): void => {
    found.push({ name, to: { ...state, ...to } });
  };
  const world = worldOf(state);
  for (const member of state.group.futures)
    if (member.status === 'scheduled' && member.deadline === ahead)
      add(`time reaches ${member.id}`, { group: withDeadline(state.group, member.id, 0) });
  if (!state.stateArrived) add('new state', { stateArrived: true });
  for (const node of setting.nodes) {
    if (node === 'A' && state.frozen) continue;
    holderSteps(node, state, world, add);
    runSteps(node, state, setting, world, add);
  }
  homeserverSteps(state, setting, add);
  failureSteps(state, setting, world, add);
  return found;
}

type Add = (name: string, to: Partial<State>) => void;

/** What timers and holders of tokens do, through whichever node they reach. */
function holderSteps(node: NodeName, state: State, world: World, add: Add): void {
  const { group, left } = state;
  const run = state.runs[node];
  const certain = run !== null && run.epoch === group.epoch && run.certain;
  const claimant = { node, leaseEnd: 0, timestamp: 0 };
  const started = (next: Group, winner: number): Partial<State> => ({
    group: next,
    left: { ...left, claims: left.claims - 1 },
    runs: {
      ...state.runs,
      [node]: { epoch: next.epoch, certain: true, certainBefore: true, stage: 'ready', winner },
    },
  });
  for (const { id, deadline } of group.futures) {
    if (left.claims > 0 && run === null) {
      if (deadline === 0) {
        const { next, claimed } = claimDue(group, id, claimant, world);
        if (claimed) add(`${node}: timer of ${id}`, started(next, id));
      }
      const byHand = claimByHand(group, id, certain, claimant, world);
      if (byHand.answer.kind === 'claimed') add(`${node}: send ${id}`, started(byHand.next, id));
    }
    const cancel = cancelFuture(group, id, 'token', certain, world);
    if (cancel.next !== group) add(`${node}: cancel ${id}: ${cancel.answer.kind}`, { group: cancel.next });
    const refresh = refreshFuture(group, id, certain, world);
    if (left.refreshes > 0 && refresh.answer.kind === 'refreshed')
      add(`${node}: refresh ${id}`, {
        group: refresh.next,
        left: { ...left, refreshes: left.refreshes - 1 },
      });
  }
}

/** What a delivery does next. */
function runSteps(node: NodeName, state: State, setting: Setting, world: World, add: Add): void {
  const run = state.runs[node];
  if (run === null) return;
  const { group, left } = state;
  const runs = (next: Run | null) => ({ ...state.runs, [node]: next });
  const follow = (name: string, change: Partial<State>, next: Run | null): void =>
    add(`${node}: ${name}`, { ...change, runs: runs(next) });

  if (run.stage === 'ready' && left.attempts > 0) {
    const newState = state.stateArrived && run.winner === 1 ? 'others' : 'none';
    const guards = { refusal: null, newState } as const;
    const { next, answer } = beginAttempt(group, run.epoch, run.certain, guards, Infinity, world);
    if (next !== null) {
      const began: Run = { ...run, certainBefore: run.certain, certain: false, stage: 'writing' };
      if (answer.kind === 'over') follow('lets go', { group: next }, null);
      else if (answer.kind === 'look') follow('must look', { group: next }, { ...run, stage: 'look' });
      else follow('begins', { group: next, left: { ...left, attempts: left.attempts - 1 } }, began);
    }
  }
  if (run.stage === 'writing')
    follow(
      'writes',
      { requests: [...state.requests, { winner: run.winner, node, state: 'under-way' }] },
      { ...run, stage: 'waiting' },
    );
  if (run.stage === 'waiting') answerSteps(node, state, setting, world, follow);
  const nothingUnderWay = !state.requests.some((request) => request.state === 'under-way');
  if (run.stage === 'look' && (nothingUnderWay || setting.without === 'look-waits')) {
    const mine = group.claim !== null && group.epoch === run.epoch;
    if (state.events.includes(run.winner))
      follow('sees the event', { group: accepted(group, run.winner, '$event', world) }, null);
    else if (!mine || group.claim === null) follow('lets go', {}, null);
    else {
      const next = provedAbsent(group, group.claim, world);
      follow(
        'sees no event',
        { group: next },
        next === group ? { ...run, certain: true, stage: 'ready' } : null,
      );
    }
  }
}

/** The answer to a request comes, is lost, or says that nothing was taken. */
function answerSteps(
  node: NodeName,
  state: State,
  setting: Setting,
  world: World,
  follow: (name: string, change: Partial<State>, next: Run | null) => void,
): void {
  const { group } = state;
  const run = state.runs[node];
  const index = state.requests.findIndex((request) => request.node === node);
  const request = state.requests[index];
  if (run === null || request === undefined) return;
  const others = state.requests.filter((_, place) => place !== index);
  const forgotten = [...others, ...(request.state === 'under-way' ? [{ ...request, node: null }] : [])];
  const certainBefore = setting.without === 'refusal-after-unknown-is-unknown' ? true : run.certainBefore;
  const claim = group.epoch === run.epoch ? group.claim : null;
  const results = [
    { name: 'answer is lost', result: { kind: 'unknown', mayRunFor: null } as const, requests: forgotten },
    // Whatever it has done, it does no more.
    { name: 'is told of an error', result: { kind: 'unknown', mayRunFor: 0 } as const, requests: others },
    ...(request.state === 'accepted'
      ? [
          {
            name: 'is told accepted',
            result: { kind: 'accepted', event: '$event' } as const,
            requests: others,
          },
        ]
      : []),
    ...(request.state === 'refused'
      ? [{ name: 'is told refused', result: { kind: 'refused', error: noPower } as const, requests: others }]
      : []),
    ...(request.state === 'under-way'
      ? [
          {
            name: 'is not taken',
            result: { kind: 'not-taken', error: noPower, retryAfter: null } as const,
            requests: others,
          },
        ]
      : []),
  ];
  for (const { name, result, requests } of results) {
    const known = claim ?? { cause: 'token' as const, doomed: null, taken: false };
    const step = afterAttempt(result, certainBefore, known, setting.memory);
    if (step.do === 'settle')
      follow(name, { requests, group: accepted(group, run.winner, step.event, world) }, null);
    else if (step.do === 'retry')
      follow(name, { requests }, { ...run, certain: step.certain, stage: 'ready' });
    else if (step.do === 'look') follow(name, { requests }, { ...run, stage: 'look' });
    else if (claim === null) follow(name, { requests }, null);
    else {
      const next =
        step.do === 'refuse' ? refused(group, claim, step.error, world) : givenBack(group, claim, world);
      if (next !== null) follow(name, { requests, group: next }, null);
    }
  }
}

/** What the homeserver does with requests, and what it forgets. */
function homeserverSteps(state: State, setting: Setting, add: Add): void {
  state.requests.forEach((request, index) => {
    if (request.state !== 'under-way') return;
    const becomes = (next: Request | null) =>
      state.requests.flatMap((other, place) => (place === index ? (next?.node ? [next] : []) : [other]));
    if (state.remembered.includes(request.winner))
      add(`homeserver remembers ${request.winner}`, { requests: becomes({ ...request, state: 'accepted' }) });
    else {
      add(`homeserver accepts ${request.winner}`, {
        requests: becomes({ ...request, state: 'accepted' }),
        events: [...state.events, request.winner],
        remembered: [...state.remembered, request.winner].sort((a, b) => a - b),
      });
      add(`homeserver refuses ${request.winner}`, { requests: becomes({ ...request, state: 'refused' }) });
    }
    if (request.node === null) add(`request of ${request.winner} dies`, { requests: becomes(null) });
  });
  if (setting.memory === 'forgets' && state.left.forgets > 0 && state.remembered.length > 0)
    add('homeserver forgets', {
      remembered: [],
      left: { ...state.left, forgets: state.left.forgets - 1 },
    });
}

/** Crashes, freezes, take-overs. */
function failureSteps(state: State, setting: Setting, world: World, add: Add): void {
  const { group, left, runs } = state;
  const single = setting.nodes.length === 1;
  const abandoned = state.requests.flatMap((request) =>
    request.node !== 'A' ? [request] : request.state === 'under-way' ? [{ ...request, node: null }] : [],
  );
  const takenUp = (next: Group): Run | null =>
    next.claim === null || next.claim.winner === null
      ? null
      : {
          epoch: next.epoch,
          certain: false,
          certainBefore: false,
          stage: setting.memory === 'durable' ? 'ready' : 'look',
          winner: next.claim.winner,
        };
  if (single && left.crashes > 0 && runs.A !== null) {
    const next = group.claim === null ? group : resume(group, 'A', world.now);
    add('A crashes and starts again', {
      group: next,
      requests: abandoned,
      runs: { ...runs, A: takenUp(next) },
      left: { ...left, crashes: left.crashes - 1 },
    });
  }
  if (single) return;
  if (!state.frozen && left.freezes > 0 && runs.A !== null)
    add('A freezes', { frozen: true, left: { ...left, freezes: left.freezes - 1 } });
  if (state.frozen) {
    add('A wakes', { frozen: false });
    const requestsAreDead = !state.requests.some((request) => request.state === 'under-way');
    if (group.claim?.node === 'A' && runs.B === null && requestsAreDead) {
      const taken = takeOver(group, 'B', world.now);
      const next =
        setting.without === 'taken-over-never-reopens' && taken.claim !== null
          ? { ...taken, claim: { ...taken.claim, taken: false } }
          : taken;
      add('B takes over', { group: next, runs: { ...runs, B: takenUp(next) } });
    }
  }
}

const noPower = { status: 403, errcode: 'M_FORBIDDEN', error: 'no power' };

function worldOf(state: State): World {
  return {
    now: 0,
    markOf: () =>
      state.stateArrived
        ? { last: { event: '$new', sender: '@bob:example.org', order: 1 }, lastByAnother: null }
        : null,
    stateOrder: state.stateArrived ? 1 : 0,
    ownerActive: true,
    usage: { pending: 0, contentBytes: 0, onKey: () => 0, nextDeadline: null },
    newFutureId: () => 4,
    newGroupId: () => 2,
  };
}

function withDeadline(group: Group, id: number, deadline: number): Group {
  return {
    ...group,
    futures: group.futures.map((member) => (member.id === id ? { ...member, deadline } : member)),
  };
}

/** What is wrong with this state, for ever and whatever comes after; null: nothing. */
export function violation(state: State): string | null {
  const { group, events } = state;
  if (events.length > 1) return `two events: ${events.join(' and ')}`;
  for (const { id, outcome } of group.futures) {
    const inRoom = events.includes(id);
    if (outcome?.kind === 'sent' && !inRoom) return `${id} is recorded as sent, and is not in the room`;
    if (outcome?.kind === 'cancelled' && inRoom)
      return `${id} was cancelled (${outcome.reason}), and is in the room`;
    if (outcome?.kind === 'failed' && inRoom && outcome.error !== outcomeUnknown)
      return `${id} was refused, and is in the room`;
  }
  if (group.phase === 'closed' && events.length > 0) return 'the name is free, and the group has an event';
  return null;
}
