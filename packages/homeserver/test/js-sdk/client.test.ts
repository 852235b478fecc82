import {
  ClientEvent,
  EventType,
  KnownMembership,
  MsgType,
  NotificationCountType,
  Preset,
  PushRuleKind,
  ReceiptType,
  RoomEvent,
  RoomMemberEvent,
  type MatrixEvent,
  type RoomMember,
} from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodies, once, roomOf, startSdk, until, type Sdk } from './sdk.ts';

let sdk: Sdk;
beforeAll(async () => {
  sdk = await startSdk();
});
afterAll(async () => {
  await sdk[Symbol.asyncDispose]();
});

const text = (body: string) => ({ msgtype: MsgType.Text, body }) as const;

describe('matrix-js-sdk', () => {
  test('an invite arrives with the name of the room, is accepted, and both are members', async () => {
    const ann = await sdk.client('ann1');
    const ben = await sdk.client('ben1');
    const benId = ben.getSafeUserId();
    const invited = once<any>(
      ben,
      RoomEvent.MyMembership,
      (room) => room.getMyMembership() === KnownMembership.Invite,
    );
    const { room_id: id } = await ann.createRoom({
      preset: Preset.PrivateChat,
      name: 'Tea',
      invite: [benId],
    });
    expect((await invited).name).toBe('Tea');
    await ben.joinRoom(id);
    await until(ann, () => ann.getRoom(id)?.getMember(benId)?.membership === KnownMembership.Join);
    await until(ben, () => ben.getRoom(id)?.getMyMembership() === KnownMembership.Join);
    expect(roomOf(ben, id).name).toBe('Tea');
    expect(roomOf(ann, id).getJoinedMemberCount()).toBe(2);
  });

  test('a message is there once for its sender, once for the other, and its redaction takes it away', async () => {
    const { ann, ben, id } = await together('2');
    const { event_id: event } = await ann.sendEvent(id, EventType.RoomMessage, text('hello'), 'transaction');
    await until(ben, () => bodies(roomOf(ben, id).getLiveTimeline().getEvents()).includes('hello'));
    await until(ann, () => roomOf(ann, id).findEventById(event)?.getUnsigned().age !== undefined);
    const own = roomOf(ann, id).getLiveTimeline().getEvents();
    expect(bodies(own)).toEqual(['hello']);
    expect(own.find((one) => one.getId() === event)?.getUnsigned().transaction_id).toBe('transaction');
    expect(roomOf(ben, id).findEventById(event)?.getUnsigned().transaction_id).toBeUndefined();

    const redacted = once(ben, RoomEvent.Redaction);
    await ann.redactEvent(id, event, undefined, { reason: 'a mistake' });
    await redacted;
    expect(roomOf(ben, id).findEventById(event)?.isRedacted()).toBe(true);
    const late = await sdk.client('ben2');
    await until(late, () => late.getRoom(id) !== null);
    const seen = roomOf(late, id).findEventById(event);
    expect(seen?.getContent()).toEqual({});
    expect(seen?.getRedactionEvent()).toMatchObject({ content: { reason: 'a mistake' } });
  });

  test('state that one sets the other sees, and a client that comes later too', async () => {
    const { ann, ben, id } = await together('3');
    await ann.setRoomTopic(id, 'biscuits');
    const topic = (client: typeof ann) =>
      client.getRoom(id)?.currentState.getStateEvents('m.room.topic', '')?.getContent().topic;
    await until(ben, () => topic(ben) === 'biscuits');
    const late = await sdk.client('ben3');
    await until(late, () => topic(late) === 'biscuits');
    await ann.setDisplayName('Ann the Third');
    await until(ben, () => roomOf(ben, id).getMember(ann.getSafeUserId())?.name === 'Ann the Third');
    expect((await ben.getProfileInfo(ann.getSafeUserId())).displayname).toBe('Ann the Third');
  });

  test('typing shows, and ends', async () => {
    const { ann, ben, id } = await together('4');
    const change = (typing: boolean) =>
      once<MatrixEvent>(
        ben,
        RoomMemberEvent.Typing,
        () => isTyping(roomOf(ben, id).getMember(ann.getSafeUserId())) === typing,
      );
    const started = change(true);
    await ann.sendTyping(id, true, 20_000);
    await started;
    const ended = change(false);
    await ann.sendTyping(id, false, 0);
    await ended;
    const again = change(true);
    // Long enough for Ben's sync to bring it, on a machine that stands still for a while, too.
    await ann.sendTyping(id, true, 3_000);
    await again;
    await change(false);
  });

  test('a receipt reaches the sender, takes the unread count off, and a private one is told to nobody else', async () => {
    const { ann, ben, id } = await together('5');
    const unread = () => roomOf(ben, id).getUnreadNotificationCount(NotificationCountType.Total);
    const highlights = () => roomOf(ben, id).getUnreadNotificationCount(NotificationCountType.Highlight);
    const { event_id: first } = await ann.sendMessage(id, text('one'));
    await ann.sendMessage(id, { ...text('two'), 'm.mentions': { user_ids: [ben.getSafeUserId()] } });
    await until(ben, () => unread() === 2);
    expect(highlights()).toBe(1);

    const readUpTo = () => roomOf(ann, id).getEventReadUpTo(ben.getSafeUserId(), true);
    const event = roomOf(ben, id).findEventById(first) ?? null;
    await ben.sendReceipt(event!, ReceiptType.Read, {});
    await until(ann, () => readUpTo() === first);
    await until(ben, () => unread() === 1);

    const last = roomOf(ben, id).getLiveTimeline().getEvents().at(-1) ?? null;
    await ben.sendReadReceipt(last, ReceiptType.ReadPrivate);
    await until(ben, () => unread() === 0 && highlights() === 0);
    await ann.sendMessage(id, text('three'));
    await until(ben, () => unread() === 1);
    expect(readUpTo()).toBe(first);
  });

  test('scrolling back finds everything, in order, with the names of its senders', async () => {
    const { ann, ben, id } = await together('6');
    const sent = Array.from({ length: 60 }, (_, index) => `message ${index}`);
    for (const body of sent) await ann.sendMessage(id, text(body));
    ben.stopClient();
    const late = await sdk.client('ben6');
    await until(late, () => late.getRoom(id) !== null);
    const room = roomOf(late, id);
    expect(bodies(room.getLiveTimeline().getEvents())).toEqual(sent.slice(-20));
    expect(room.getMember(ann.getSafeUserId())?.name).toBe(ann.getSafeUserId());
    while (room.getLiveTimeline().getPaginationToken('b' as never) !== null) await late.scrollback(room, 15);
    expect(bodies(room.getLiveTimeline().getEvents())).toEqual(sent);
    expect(room.getLiveTimeline().getEvents()[0]?.getType()).toBe('m.room.create');
  });

  test('a gap is noticed after a pause, and nothing is missing behind it', async () => {
    const { ann, ben, id } = await together('7');
    ben.stopClient();
    for (let index = 0; index < 30; index += 1) await ann.sendMessage(id, text(`while away ${index}`));
    await ann.setRoomTopic(id, 'changed in the gap');
    for (let index = 30; index < 60; index += 1) await ann.sendMessage(id, text(`while away ${index}`));
    await ben.startClient({ initialSyncLimit: 20, lazyLoadMembers: true });
    await until(ben, () => bodies(roomOf(ben, id).getLiveTimeline().getEvents()).includes('while away 59'));
    expect(roomOf(ben, id).currentState.getStateEvents('m.room.topic', '')?.getContent().topic).toBe(
      'changed in the gap',
    );
  });

  test('account data, push rules and read markers reach the other devices of the user', async () => {
    const { ben: phone, id } = await together('8');
    const desk = await sdk.client('ben8');
    await until(desk, () => desk.getRoom(id) !== null);
    await phone.setAccountData(EventType.Direct, { '@carol:test': [id] });
    await until(desk, () => desk.getAccountData(EventType.Direct)?.getContent()['@carol:test']?.[0] === id);
    await phone.setRoomAccountData(id, EventType.MarkedUnread, { unread: true });
    await until(
      desk,
      () => roomOf(desk, id).getAccountData(EventType.MarkedUnread)?.getContent().unread === true,
    );

    const isMuted = () => desk.pushRules?.global.room?.some((rule) => rule.rule_id === id);
    await phone.addPushRule('global', PushRuleKind.RoomSpecific, id, { actions: [] });
    await until(desk, () => isMuted() === true);
    await phone.deletePushRule('global', PushRuleKind.RoomSpecific, id);
    await until(desk, () => isMuted() === false);

    const { event_id: event } = await phone.sendMessage(id, text('read this'));
    await until(phone, () => roomOf(phone, id).findEventById(event) !== undefined);
    await phone.setRoomReadMarkers(id, event);
    await until(desk, () => roomOf(desk, id).getAccountData('m.fully_read')?.getContent().event_id === event);
  });

  test('who is kicked learns it with the reason, and sees nothing of what follows', async () => {
    const { ann, ben, id } = await together('9');
    const kicked = once<any>(
      ben,
      RoomEvent.MyMembership,
      (room) => room.getMyMembership() === KnownMembership.Leave,
    );
    await ann.kick(id, ben.getSafeUserId(), 'be nice');
    await kicked;
    expect(roomOf(ben, id).getMember(ben.getSafeUserId())?.events.member?.getContent().reason).toBe(
      'be nice',
    );
    await ann.sendMessage(id, text('he is gone'));
    const synced = once(ben, ClientEvent.AccountData);
    await ben.setAccountData(EventType.Direct, { '@carol:test': [] });
    await synced;
    expect(bodies(roomOf(ben, id).getLiveTimeline().getEvents())).toEqual([]);
  });

  test('an invite that is taken back disappears', async () => {
    const ann = await sdk.client('ann10');
    const ben = await sdk.client('ben10');
    const { room_id: id } = await ann.createRoom({ invite: [ben.getSafeUserId()] });
    await until(ben, () => ben.getRoom(id)?.getMyMembership() === KnownMembership.Invite);
    await ann.kick(id, ben.getSafeUserId());
    await until(ben, () => ben.getRoom(id)?.getMyMembership() === KnownMembership.Leave);
  });

  test('of an ignored user neither messages nor invites arrive', async () => {
    const { ann, ben, id } = await together('12');
    await ben.setIgnoredUsers([ann.getSafeUserId()]);
    await ann.sendMessage(id, text('unwanted'));
    const { room_id: unwanted } = await ann.createRoom({ invite: [ben.getSafeUserId()] });
    const cid = await sdk.client('cid12');
    await cid.joinRoom(id);
    await cid.sendMessage(id, text('wanted'));
    await until(ben, () => bodies(roomOf(ben, id).getLiveTimeline().getEvents()).includes('wanted'));
    expect(bodies(roomOf(ben, id).getLiveTimeline().getEvents())).toEqual(['wanted']);
    expect(ben.getRoom(unwanted)).toBeNull();
  });

  test('a thread counts by itself', async () => {
    const { ann, ben, id } = await together('11');
    const { event_id: root } = await ann.sendMessage(id, text('root'));
    const relation = { rel_type: 'm.thread', event_id: root } as const;
    await ann.sendMessage(id, root, { ...text('in the thread'), 'm.relates_to': relation } as never);
    const room = roomOf(ben, id);
    await until(ben, () => room.getThreadUnreadNotificationCount(root, NotificationCountType.Total) === 1);
    expect(room.getRoomUnreadNotificationCount(NotificationCountType.Total)).toBe(1);
  });
});

/** Two clients in a room that the first one made. */
async function together(name: string) {
  const ann = await sdk.client(`ann${name}`);
  const ben = await sdk.client(`ben${name}`);
  const { room_id: id } = await ann.createRoom({ preset: Preset.PublicChat });
  await ben.joinRoom(id);
  await until(ben, () => ben.getRoom(id)?.getMyMembership() === KnownMembership.Join);
  await until(
    ann,
    () => ann.getRoom(id)?.getMember(ben.getSafeUserId())?.membership === KnownMembership.Join,
  );
  return { ann, ben, id };
}

function isTyping(member: RoomMember | null): boolean {
  return member?.typing === true;
}
