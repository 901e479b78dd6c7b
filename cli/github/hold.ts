/**
 * The label of a pull request that is on hold: its pipeline fails, and what it has changed is not promoted to environments whose
 * stack file has `promotion.holds`. A person may set it by hand, too.
 */
export const holdLabel = "delivery/hold";

/** The commit status that shows it on the pull request. */
export const holdStatus = "delivery/hold";
