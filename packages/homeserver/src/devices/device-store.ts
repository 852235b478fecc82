import type { UserId } from '@matrix-futures/engine';
import type { Database } from '@matrix-futures/sqlite';

/** A login of a user, as it is shown to them. */
export interface Device {
  readonly deviceId: string;
  readonly displayName: string | null;
}

/** Writes are for inside a unit. */
export interface DeviceStore {
  /** in order of their ids */
  list(user: UserId): Device[];
  find(user: UserId, device: string): Device | undefined;
  /** Makes the device; one that is there keeps its name unless a new one is given. */
  put(user: UserId, device: Device, wall: number): void;
  rename(user: UserId, device: string, displayName: string): void;
  delete(user: UserId, device: string): void;
}

export function openDeviceStore(database: Database): DeviceStore {
  const columns = 'SELECT device_id AS deviceId, display_name AS displayName FROM device';
  const list = database.prepare<[UserId], Device>(`${columns} WHERE user_id = ? ORDER BY device_id`);
  const find = database.prepare<[UserId, string], Device>(`${columns} WHERE user_id = ? AND device_id = ?`);
  const put = database.prepare<[UserId, string, string | null, number], never>(
    `INSERT INTO device (user_id, device_id, display_name, created_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET display_name = coalesce(excluded.display_name, display_name)`,
  );
  const rename = database.prepare<[string, UserId, string], never>(
    'UPDATE device SET display_name = ? WHERE user_id = ? AND device_id = ?',
  );
  const remove = database.prepare<[UserId, string], never>(
    'DELETE FROM device WHERE user_id = ? AND device_id = ?',
  );
  return {
    list: (user) => list.all(user),
    find: (user, device) => find.get(user, device),
    put: (user, { deviceId, displayName }, wall) => void put.run(user, deviceId, displayName, wall),
    rename: (user, device, displayName) => void rename.run(displayName, user, device),
    delete: (user, device) => void remove.run(user, device),
  };
}
