"""Eligibility: who may take part, in which programme, and who gets an incubator seat.

Owns decisions, reviews, seat requests, offers and the seats of incubators. Hears registered workers (`registration.workers`)
and completed staff tasks (`notification.tasks`). Says `eligibility.decisions` and `eligibility.placements`. It alone opens the
`facts` box.

Words: a *policy* is a dated table of rules; a *rule* that matches gives a *reason*; a *decision* confirms, denies or asks for a
*review* by a dinas; a *programme* is where a confirmed person goes (`wub`, `diklat_3in1`, `rujukan`); a *seat request* waits
for the *allocator* of its province; an *offer* holds a seat until its deadline; a *queue* is the waitlist of one sector in one
province.
"""
