import { z } from 'zod';
import { Id } from './common.ts';

/** What somebody was let in by: the row of a session, or of a token. */
export const Proof = z.object({ kind: z.enum(['session', 'token']), id: Id });
export type Proof = z.infer<typeof Proof>;

export const proofKey = ({ kind, id }: Proof): string => `${kind} ${String(id)}`;
