/**
 * The agent protocol this hub speaks, and the oldest it still understands. 2: records in the log, and specs with more than local runs.
 * 3: a finish with the hash of the chunks. 4: packed chunks.
 */
export const AGENT_PROTOCOL = 4;
export const AGENT_PROTOCOL_MIN = 1;
export const RECORDS_SINCE = 2;
export const PACKED_SINCE = 4;
/** The protocol of the project and run sockets for browsers. */
export const BROWSER_PROTOCOL = 1;
