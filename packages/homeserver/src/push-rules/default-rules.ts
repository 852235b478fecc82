import type { Action, Condition, Rule, Ruleset } from './rule.ts';

/**
 * The predefined rules (Matrix specification, "Predefined Rules"), in the specification's order. The rules for mentions
 * by name and `@room`, which later versions drop, are kept: clients of today still ask for them.
 * @param user whose templates (`state_key`, mentions, the local part) are filled in
 */
export function defaultRules(user: string): Ruleset {
  const localPart = user.slice(1, user.indexOf(':'));
  return {
    override: [
      { ...rule('.m.rule.master', [], []), enabled: false },
      rule('.m.rule.suppress_notices', [matches('content.msgtype', 'm.notice')], []),
      rule(
        '.m.rule.invite_for_me',
        [
          matches('type', 'm.room.member'),
          matches('content.membership', 'invite'),
          matches('state_key', user),
        ],
        ['notify', sound('default')],
      ),
      rule('.m.rule.member_event', [matches('type', 'm.room.member')], []),
      rule(
        '.m.rule.is_user_mention',
        [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: user }],
        ['notify', sound('default'), highlight],
      ),
      rule(
        '.m.rule.contains_display_name',
        [{ kind: 'contains_display_name' }],
        ['notify', sound('default'), highlight],
      ),
      rule(
        '.m.rule.is_room_mention',
        [{ kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true }, mayNotifyRoom],
        ['notify', highlight],
      ),
      rule('.m.rule.roomnotif', [matches('content.body', '@room'), mayNotifyRoom], ['notify', highlight]),
      rule(
        '.m.rule.tombstone',
        [matches('type', 'm.room.tombstone'), matches('state_key', '')],
        ['notify', highlight],
      ),
      rule('.m.rule.reaction', [matches('type', 'm.reaction')], []),
      rule('.m.rule.room.server_acl', [matches('type', 'm.room.server_acl'), matches('state_key', '')], []),
      rule(
        '.m.rule.suppress_edits',
        [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }],
        [],
      ),
    ],
    content: [
      {
        rule_id: '.m.rule.contains_user_name',
        default: true,
        enabled: true,
        pattern: localPart,
        actions: ['notify', sound('default'), highlight],
      },
    ],
    room: [],
    sender: [],
    underride: [
      rule('.m.rule.call', [matches('type', 'm.call.invite')], ['notify', sound('ring')]),
      rule(
        '.m.rule.encrypted_room_one_to_one',
        [twoMembers, matches('type', 'm.room.encrypted')],
        ['notify', sound('default')],
      ),
      rule(
        '.m.rule.room_one_to_one',
        [twoMembers, matches('type', 'm.room.message')],
        ['notify', sound('default')],
      ),
      rule('.m.rule.message', [matches('type', 'm.room.message')], ['notify']),
      rule('.m.rule.encrypted', [matches('type', 'm.room.encrypted')], ['notify']),
    ],
  };
}

/** The rules that must not match an event which says whom it mentions: they guess at what it states. */
export const guessesMentions: ReadonlySet<string> = new Set([
  '.m.rule.contains_display_name',
  '.m.rule.roomnotif',
  '.m.rule.contains_user_name',
]);

const highlight: Action = { set_tweak: 'highlight' };
const twoMembers: Condition = { kind: 'room_member_count', is: '2' };
const mayNotifyRoom: Condition = { kind: 'sender_notification_permission', key: 'room' };

function sound(value: string): Action {
  return { set_tweak: 'sound', value };
}

function matches(key: string, pattern: string): Condition {
  return { kind: 'event_match', key, pattern };
}

function rule(id: string, conditions: readonly Condition[], actions: readonly Action[]): Rule {
  return { rule_id: id, default: true, enabled: true, conditions, actions };
}
