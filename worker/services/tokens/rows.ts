import { getTableColumns } from 'drizzle-orm';
import { api_tokens } from '../../db/client.ts';
import { omit } from '../omit.ts';

/** What is told of a token: never its hash. */
export const shown = omit(getTableColumns(api_tokens), 'hash');
