import type { Examined } from '@matrix-futures/gateway';

/** One line for a finding, and for a failure a second that says what to change. */
export function lineOf({ name, finding }: Examined): string {
  switch (finding.kind) {
    case 'ok':
      return `ok           ${name}: ${finding.seen}\n`;
    case 'failed':
      return `FAILED       ${name}: ${finding.seen}\n             -> ${finding.change}\n`;
    case 'unchecked':
      return `not checked  ${name}: ${finding.because}\n`;
  }
}
