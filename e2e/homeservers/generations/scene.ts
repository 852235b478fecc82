import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Answer, ClientApi } from '../../client-api.ts';
import { historyOf, newRoom, roomIdIn, type RoomEvent, type World } from '../gateway-world.ts';
import { until } from '../until.ts';

/** Far longer than any test takes, in ms. */
export const never = 600_000;

/** A room of one test: Alice asks the gateway, Bob reads what the homeserver itself has. */
export class Scene {
  readonly world: World;
  /** of the room, after `/_matrix/client` */
  readonly path: string;

  private constructor(world: World, path: string) {
    this.world = world;
    this.path = path;
  }

  static async in(world: World): Promise<Scene> {
    return new Scene(world, await newRoom(world));
  }

  get alice(): ClientApi {
    return this.world.client;
  }

  get roomId(): string {
    return roomIdIn(this.path);
  }

  /** What Alice asks for in the room, which has to be answered 200; answers the body. */
  async put(path: string, content: unknown): Promise<any> {
    return accepted(await this.alice.request('PUT', `${this.path}/${path}`, content));
  }

  /** As `put`, of a message of that mark. */
  later(mark: string, query: string): Promise<any> {
    return this.put(`send_future/org.example.late/${randomUUID()}?${query}`, { mark });
  }

  /** Somebody without a login uses the token. Answers the status. */
  async use(token: string, method: 'PUT' | 'POST' = 'POST'): Promise<number> {
    return (await this.world.delegate.request(method, `/v3/futures/${token}`)).status;
  }

  /** The marks of the events in the room, oldest first. */
  async marks(): Promise<readonly unknown[]> {
    const events = await historyOf(this.world.bob, this.path);
    return events.flatMap(({ content }) => ('mark' in content ? [content['mark']] : []));
  }

  /** The event of that mark, as soon as it is in the room. */
  async arrived(mark: string): Promise<RoomEvent> {
    return until(async () => {
      const history = await historyOf(this.world.bob, this.path);
      return history.find(({ content }) => content['mark'] === mark) ?? null;
    }, `${mark} in the room`);
  }
}

/** The body of an answer of 200. */
export function accepted({ status, body }: Answer): any {
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}
