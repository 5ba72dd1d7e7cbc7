/** A task of a Piscina pool that does nothing: what a round trip costs. */
export default (task: number): number => task;
