import type { Future, FutureId, Group, GroupId, Instant, Retention, UserId } from '@matrix-futures/engine';
import { alice, bob, cancelledBy, ended, finished, withFuture } from './samples.ts';
import { day, hour } from './subject.ts';

export const owners: readonly UserId[] = [alice, bob];
export const keys = ['x', 'y'];
/** Off by an eighth, while the clock moves by quarters: nothing ever happens at the very end of a retention time. */
export const retention: Retention = { listed: hour + 0.125, listedPerOwner: 4, tombstones: day + 0.125 };

/** A due future, or the expired lease of a group. */
interface Due {
  readonly at: Instant;
  readonly group: Group;
  readonly future: FutureId | null;
}

export interface Visible {
  /** of each future, the group it is in */
  readonly groups: readonly (Group | null)[];
  readonly owners: readonly {
    readonly pending: number;
    readonly contentBytes: number;
    readonly onKey: readonly number[];
    readonly nextDeadline: Instant | null;
    readonly running: readonly FutureId[];
  }[];
}

/** What a store of futures is, in as few words as possible: everything in one map, searched from end to end. */
export class Reference {
  readonly groups = new Map<GroupId, Group>();
  readonly arrivals: { readonly key: string; readonly sender: UserId }[] = [];
  /** how many state events had arrived when a future was made */
  readonly madeAfter = new Map<FutureId, number>();
  readonly inactive = new Set<UserId>();
  readonly ids: FutureId[] = [];

  groupOf(id: FutureId): Group | undefined {
    return [...this.groups.values()].find(({ futures }) => futures.some((future) => future.id === id));
  }

  named(owner: UserId, name: string): Group | undefined {
    return [...this.groups.values()].find(
      (group) => group.owner === owner && group.name === name && group.phase !== 'closed',
    );
  }

  /** By number, so that a shrunken example still names one. */
  pick(number: number): FutureId | undefined {
    return this.ids[number % Math.max(1, this.ids.length)];
  }

  dead(future: Future): boolean {
    if (this.inactive.has(future.draft.sender)) return true;
    return this.arrivals
      .slice(this.madeAfter.get(future.id))
      .some(
        ({ key, sender }) =>
          future.draft.stateKey === key &&
          (future.generation === 'futures' ||
            (future.generation === 'delay-parameter' && sender !== future.draft.sender)),
      );
  }

  refresh(id: FutureId, now: Instant): Instant | null {
    const group = this.groupOf(id);
    const future = group?.futures.find((each) => each.id === id);
    if (group?.phase !== 'open' || future?.status !== 'scheduled') return null;
    if (future.timeout === null || this.dead(future)) return null;
    const deadline = Math.ceil(now + future.timeout);
    this.groups.set(group.id, withFuture(group, id, { deadline, since: Math.ceil(now) }));
    return deadline;
  }

  /** What is due some day, in order. No lease ends at a deadline: leases end at a half. */
  agenda(): Due[] {
    return [...this.groups.values()]
      .flatMap((group): Due[] => {
        if (group.claim !== null) return [{ at: group.claim.leaseEnd, group, future: null }];
        if (group.phase !== 'open') return [];
        return group.futures.flatMap(({ id, status, deadline }): Due[] =>
          status === 'scheduled' && deadline !== null ? [{ at: deadline, group, future: id }] : [],
        );
      })
      .sort((a, b) => a.at - b.at || (a.future ?? a.group.id) - (b.future ?? b.group.id));
  }

  due(limit: number, now: Instant): string[] {
    const offered: string[] = [];
    const name = (group: Group, future: FutureId | null) => `group ${group.id} future ${future}`;
    while (offered.length < limit) {
      const first = this.agenda().find(({ group, future }) => !offered.includes(name(group, future)));
      if (first === undefined || first.at > now) break;
      offered.push(name(first.group, first.future));
      this.groups.set(first.group.id, whenDue(first.group, first.future, now));
    }
    return offered;
  }

  sweep(now: Instant): void {
    for (const group of [...this.groups.values()]) {
      const running = group.phase === 'open' || group.phase === 'claimed';
      if (running && group.futures.some((future) => future.status === 'scheduled' && this.dead(future)))
        this.groups.set(group.id, ended(group, 'closed', now));
      if (group.endedAt !== null && group.endedAt + retention.tombstones <= now) this.groups.delete(group.id);
    }
  }

  /** When the owner's listed outcomes were, after a sweep. */
  outcomes(owner: UserId, now: Instant): Instant[] {
    return this.#futures(owner)
      .flatMap(({ outcome }) => (outcome === null ? [] : [outcome.at]))
      .filter((at) => at + retention.listed > now)
      .sort((a, b) => b - a)
      .slice(0, retention.listedPerOwner);
  }

  /** All that can be asked of a store, and what it must answer. */
  visible(): Visible {
    return {
      groups: this.ids.map((id) => comparable(this.groupOf(id))),
      owners: owners.map((owner) => {
        const pending = this.#futures(owner).filter(({ status }) => status === 'scheduled');
        const deadlines = pending.flatMap(({ deadline }) => (deadline === null ? [] : [deadline]));
        return {
          pending: pending.length,
          contentBytes: pending.reduce((sum, { draft }) => sum + JSON.stringify(draft.content).length, 0),
          onKey: keys.map((key) => pending.filter(({ draft }) => draft.stateKey === key).length),
          nextDeadline: deadlines.length === 0 ? null : Math.min(...deadlines),
          running: pending
            .filter((future) => !this.dead(future))
            .map(({ id }) => id)
            .sort((a, b) => a - b),
        };
      }),
    };
  }

  #futures(owner: UserId): Future[] {
    return [...this.groups.values()].flatMap((group) => (group.owner === owner ? group.futures : []));
  }
}

/** Some it leaves, of some it sends the event, some fail; expired leases it lengthens. */
export function whenDue(group: Group, due: FutureId | null, now: Instant): Group {
  if (due === null)
    return { ...group, claim: group.claim && { ...group.claim, leaseEnd: Math.floor(now) + hour + 0.5 } };
  if (due % 3 === 0) return group;
  if (due % 3 === 1) return ended(group, 'sent', now);
  return finished(group, due, cancelledBy('token', now));
}

/** Groups as both sides must see them: `since` to the millisecond, which is all that a refresh has to keep. */
export function comparable(group: Group | null | undefined): Group | null {
  if (group == null) return null;
  return {
    ...group,
    futures: group.futures.map((future) => ({ ...future, since: Math.ceil(future.since) })),
  };
}
