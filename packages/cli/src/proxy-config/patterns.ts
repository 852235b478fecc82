/**
 * What of a homeserver's URLs is the gateway's, as regular expressions over path and query as the client wrote them.
 * PCRE and Go read them alike; they are without backslashes and quotes, which each configuration file takes in its own
 * way. A dot stands for any character, which is wide enough for a dot and easier to read.
 */
export interface Group {
  /** for whoever reads the rules */
  readonly why: string;
  readonly regexes: readonly string[];
}

/** No homeserver knows these, so in any other spelling they are unknown to everybody. */
export const ownPaths: Group = {
  why: "The gateway's own paths.",
  regexes: [
    '^/_matrix/client/(v3|r0)/capabilities([/?]|$)',
    '^/_matrix/client/(v1|v3|r0|unstable/[^/]+)/(futures?|delayed_events)([/?]|$)',
    '^/_matrix/client/(v3|r0|unstable/[^/]+)/rooms/[^/]+/(send_future|state_future|delayed_event)/',
    // Element Call takes every answer but 404 for the promise that its leave is delegated; the gateway says 404.
    '^/_matrix/client/unstable/(dev.matrix-futures|io.element.msc4195/rtc/livekit/delegate_delayed_leave)',
  ],
};

/** No client encodes a letter or a digit. In a parameter's name it takes the hexadecimal digits of `0-9` and `a-z`. */
const encodedLetter = '%(3[0-9]|6[1-9A-Fa-f]|7[0-9Aa])';

/**
 * What a homeserver takes for an event to be sent now: parameters that it does not know, or events of type `future`.
 * What it may decode or resolve to that must not get there either. `.{1,3}` is one character, encoded or not.
 */
export const sentAtOnce: Group = {
  why: 'What a homeserver would send at once, and what may hide it and no client uses: encoded letters, and dot segments.',
  regexes: [
    '[?&;][^=&;]*(msc4140|future.{1,3}(timeout|group))',
    '/send/+future/',
    `(^[^?]*|[?&;][^=&;]*)${encodedLetter}`,
    '^[^?]*/([.]|%2[Ee]){1,2}([/?;#]|$)',
  ],
};

/** Other homeservers: no client, and no future, is concerned. */
export const federation = '^/_matrix/(federation|key)/';

/** What in a path is followed by a token or a delay id, with which everybody can act who knows it. */
export const beforeSecret = '/(?:futures?|delayed_events)/+';
