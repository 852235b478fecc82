/** What a check has found, for whoever runs the servers. */
export type Finding =
  | { readonly kind: 'ok'; readonly seen: string }
  | {
      readonly kind: 'failed';
      readonly seen: string;
      /** what to change, and where */
      readonly change: string;
    }
  | { readonly kind: 'unchecked'; readonly because: string };

/** One thing that has to be so where a gateway runs. */
export interface Check {
  readonly name: string;
  /** Never rejects over what it finds, only over a defect of its own. */
  readonly run: () => Promise<Finding>;
}

export const ok = (seen: string): Finding => ({ kind: 'ok', seen });
export const failed = (seen: string, change: string): Finding => ({ kind: 'failed', seen, change });
export const unchecked = (because: string): Finding => ({ kind: 'unchecked', because });
