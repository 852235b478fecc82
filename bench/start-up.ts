/** From starting Node to the ready line, with an empty data directory. */
import { join } from 'node:path';
import type { Pace } from './pace.ts';
import { startFutures } from './process.ts';
import { figure, median, type Figure } from './report.ts';

export async function startUp(directory: string, pace: Pace): Promise<Figure[]> {
  const times: number[] = [];
  for (let round = 0; round < pace.rounds * 2 + 1; round += 1) {
    await using server = await startFutures(join(directory, String(round)));
    times.push(server.startedIn);
  }
  const middle = median(times);
  return [
    figure(
      "Node's start to the ready line, empty",
      `${(middle / 1000).toFixed(2)} s`,
      '≤ 0.7 s',
      middle <= 700,
    ),
  ];
}
