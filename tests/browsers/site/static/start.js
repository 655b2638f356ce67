/** The last script of a page: makes the subject's recorder, records what the plan wants recorded at once, reports. */
"use strict";
(async () => {
  const { plan, record, report } = window.page;
  if (plan.subject) {
    await window.subject.start(plan);
    if (plan.record) record(plan.record, plan.recordOptions);
  }
  await report("ready");
})();
