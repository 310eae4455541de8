/*
 * incidence.c
 *		Several ways to leave: the probability of having left for each cause.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "storage/shmem.h"
#include "survival/incidence.h"

/*
 * O. O. Aalen and S. Johansen, Scand. J. Stat. 5 (1978) 141-150: F_k = sum of S(t-) d_k / n, with S the curve of
 * staying.
 *
 * The variance is the infinitesimal jackknife, as T. M. Therneau's survival package has it: the sum over customers of
 * U^2, with U the derivative of F_k by the customer's weight. While a customer stays, the derivative of log S(t-) is a
 * = G = sum d / (n (n - d)) (see curve_of()), and each time adds a S d_k / n - S d_k / n^2 to U. At leaving for cause
 * k itself U gains S / n, and a becomes G(t-) - 1 / n. From then on, and after censoring, a stays and each time adds a
 * S d_k / n. So those who stay share one U, and of those who are gone three sums are enough: of U^2, U a and a^2.
 */
void
incidence_of(const TimeTable *table, int cell, Incidence *curve)
{
	double n = 0; /* whole numbers, exact */
	double survival = 1;
	double g = 0;
	double incidence = 0;
	double others = 0;	/* left for another cause */
	double staying = 0; /* U of each customer who stays */
	double gone_uu = 0;
	double gone_ua = 0;
	double gone_aa = 0;

	if (curve->point == NULL)
		curve->point = palloc_extended(mul_size(Max(table->base.used, 1), sizeof(IncidencePoint)),
									   MCXT_ALLOC_HUGE);
	curve->points = 0;
	for (int i = 0; i < table->base.used; i++)
	{
		const TimeSlot *slot = times_slot(table, i);

		CHECK_NOW_AND_THEN(i);
		n += (double) (slot->rows[TIME_CHURNED] + slot->rows[TIME_CENSORED]);
	}

	for (int at = 0, next; at < table->base.used; at = next)
	{
		double time = times_slot(table, at)->time;
		double d = 0; /* all causes */
		double mine = 0;
		double censored = 0;
		double left;

		CHECK_FOR_INTERRUPTS();
		for (next = at; next < table->base.used && times_slot(table, next)->time == time; next++)
		{
			const TimeSlot *slot = times_slot(table, next);

			d += (double) slot->rows[TIME_CHURNED];
			censored += (double) slot->rows[TIME_CENSORED];
			if (slot->base.item == cell)
				mine = (double) slot->rows[TIME_CHURNED];
		}
		left = n - d - censored;

		if (d > 0)
		{
			double step = survival * mine / n;
			double a = g - 1 / n;

			gone_uu += step * (2 * gone_ua + step * gone_aa);
			gone_ua += step * gone_aa;
			staying += step * a;
			gone_uu += mine * pow(staying + survival / n, 2) + (d - mine) * pow(staying, 2);
			gone_ua += (mine * (staying + survival / n) + (d - mine) * staying) * a;
			gone_aa += d * a * a;
			others += d - mine;
			incidence += step;
			survival *= (n - d) / n;
			if (n > d)
				g += d / n / (n - d);
		}
		if (censored > 0)
		{
			gone_uu += censored * staying * staying;
			gone_ua += censored * staying * g;
			gone_aa += censored * g * g;
		}
		n = left;
		curve->point[curve->points].time = time;
		curve->point[curve->points].incidence = incidence;
		curve->point[curve->points].std_error = sqrt(fmax(gone_uu + left * staying * staying, 0));
		/* All have left for this cause: what is left in the sums is rounding. */
		if (survival == 0 && others == 0)
		{
			incidence = curve->point[curve->points].incidence = 1;
			curve->point[curve->points].std_error = 0;
		}
		curve->points++;
	}
	curve->survival = survival;
}
