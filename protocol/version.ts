/** The agent protocol this hub speaks, and the oldest it still understands. */
export const AGENT_PROTOCOL = 1;
export const AGENT_PROTOCOL_MIN = 1;
/** The protocol of the project and run sockets for browsers. */
export const BROWSER_PROTOCOL = 1;
