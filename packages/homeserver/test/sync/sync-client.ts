import { expectOk, type User } from '../server/server.ts';

/** How a client asks. */
export interface Manner {
  readonly stateField: 'state' | 'state_after' | 'org.matrix.msc4222.state_after';
  readonly lazyMembers: boolean;
  readonly limit: number;
  /** of the timeline */
  readonly types?: readonly string[];
}

export interface Event {
  readonly event_id: string;
  readonly type: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: { readonly [key: string]: unknown };
}

/** What a client knows of a room it is or was in. */
export interface RoomView {
  membership: 'join' | 'leave';
  /** ids, since the last gap */
  timeline: string[];
  hadGap: boolean;
  /** ids by type and key */
  readonly state: Map<string, string>;
  typing: string[];
  readonly receipts: Map<string, string>;
  readonly accountData: Map<string, unknown>;
  summary: { [name: string]: unknown };
  unread: unknown;
}

export interface View {
  readonly rooms: Map<string, RoomView>;
  readonly invites: Map<string, unknown>;
  readonly accountData: Map<string, unknown>;
}

/** A client that believes everything it is told, and puts it together as the specification has it. */
export interface SyncClient {
  readonly user: User;
  readonly manner: Manner;
  readonly view: View;
  sync(): Promise<void>;
}

export function syncClient(user: User, manner: Manner): SyncClient {
  const view: View = { rooms: new Map(), invites: new Map(), accountData: new Map() };
  let since: string | null = null;
  return {
    user,
    manner,
    view,
    async sync() {
      const filter = {
        room: {
          include_leave: true,
          state: { lazy_load_members: manner.lazyMembers },
          timeline: { limit: manner.limit, ...(manner.types && { types: manner.types }) },
        },
      };
      const query = new URLSearchParams({ filter: JSON.stringify(filter) });
      if (since !== null) query.set('since', since);
      if (manner.stateField === 'state_after') query.set('use_state_after', 'true');
      if (manner.stateField === 'org.matrix.msc4222.state_after')
        query.set('org.matrix.msc4222.use_state_after', 'true');
      const body = expectOk(await user.get(`/sync?${query}`));
      since = body.next_batch;
      apply(view, body, manner);
    },
  };
}

function apply(view: View, body: any, { stateField }: Manner): void {
  for (const { type, content } of body.account_data.events) view.accountData.set(type, content);
  for (const [id, invite] of Object.entries<any>(body.rooms.invite)) {
    view.invites.set(id, invite.invite_state.events);
  }
  for (const id of Object.keys({ ...body.rooms.invite, ...body.rooms.knock })) {
    // Who is invited, or knocks, is not in the room, whatever they were the last time.
    const known = view.rooms.get(id);
    if (known !== undefined) known.membership = 'leave';
    if (id in body.rooms.knock) view.invites.delete(id);
  }
  for (const membership of ['join', 'leave'] as const) {
    for (const [id, room] of Object.entries<any>(body.rooms[membership])) {
      view.invites.delete(id);
      const known = view.rooms.get(id) ?? emptyRoom();
      view.rooms.set(id, known);
      known.membership = membership;
      if (room.timeline.limited) known.timeline = [];
      known.hadGap ||= room.timeline.limited;
      known.timeline.push(...room.timeline.events.map((event: Event) => event.event_id));
      const state = [...room[stateField].events, ...(stateField === 'state' ? room.timeline.events : [])];
      for (const event of state)
        if (event.state_key !== undefined) known.state.set(keyOf(event), event.event_id);
      for (const { type, content } of room.account_data.events) known.accountData.set(type, content);
      if (membership === 'leave') continue;
      Object.assign(known.summary, room.summary);
      known.unread = room.unread_notifications;
      for (const event of room.ephemeral.events) applyEphemeral(known, event);
    }
  }
}

function applyEphemeral(room: RoomView, { type, content }: any): void {
  if (type === 'm.typing') room.typing = content.user_ids;
  if (type !== 'm.receipt') return;
  for (const [event, byType] of Object.entries<any>(content)) {
    for (const [receipt, byUser] of Object.entries<any>(byType)) {
      for (const [user, { thread_id: thread }] of Object.entries<any>(byUser)) {
        room.receipts.set(`${receipt} ${user} ${thread}`, event);
      }
    }
  }
}

export function keyOf({ type, state_key: key }: Pick<Event, 'type' | 'state_key'>): string {
  return `${type} ${key}`;
}

function emptyRoom(): RoomView {
  return {
    membership: 'join',
    timeline: [],
    hadGap: false,
    state: new Map(),
    typing: [],
    receipts: new Map(),
    accountData: new Map(),
    summary: {},
    unread: null,
  };
}
