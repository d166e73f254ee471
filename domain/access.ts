import { z } from 'zod';

/** What a person may do in a project, weakest first. An owner holds `manage`. */
export const Access = z.enum(['read', 'contribute', 'operate', 'manage']);
export type Access = z.infer<typeof Access>;

/** 1 for `read` to 4 for `manage`; 0 for none. */
export const accessRank = (access: Access | null): number => (access === null ? 0 : Access.options.indexOf(access) + 1);

/** The inverse of `accessRank`. */
export const accessOfRank = (rank: number): Access | null => Access.options[rank - 1] ?? null;
