/*
 * quantile.cpp
 *		The only file that includes Boost.Math.
 */
#include "math/quantile.h"

#include <cmath>
#include <limits>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/gamma.hpp>

namespace
{
namespace bm = boost::math;
namespace bp = boost::math::policies;

/*
 * Nothing is thrown on purpose and nothing is asked of long double: its width differs between machines, and under
 * valgrind it is a double that Boost takes for more.
 */
using Quiet =
	bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>,
			   bp::overflow_error<bp::ignore_error>, bp::underflow_error<bp::ignore_error>,
			   bp::denorm_error<bp::ignore_error>, bp::rounding_error<bp::ignore_error>,
			   bp::evaluation_error<bp::ignore_error>,
			   bp::indeterminate_result_error<bp::ignore_error>, bp::promote_float<false>,
			   bp::promote_double<false>>;

using Normal = bm::normal_distribution<double, Quiet>;
using Beta = bm::beta_distribution<double, Quiet>;
using Binomial = bm::binomial_distribution<double, Quiet>;
using ChiSquared = bm::chi_squared_distribution<double, Quiet>;

constexpr double no_answer = std::numeric_limits<double>::quiet_NaN();

bool
is_probability(double p)
{
	return p >= 0 && p <= 1;
}

bool
is_parameter(double x)
{
	return x > 0 && std::isfinite(x);
}

/* No exception may reach C code, not even std::bad_alloc. */
template <typename Question>
double
answer(Question question) noexcept
{
	try
	{
		return question();
	}
	catch (...)
	{
		return no_answer;
	}
}

/*
 * Beyond these sizes Boost's iterations lose their digits (they multiply an epsilon by the shape), stop at a wrong
 * root now and then, and take milliseconds. The expansions below are better there: 10 decimals of a fraction, 12
 * significant digits of a chi-squared, 8 of a binomial tail (of which Boost has 6 at a variance of 1e11, none at 1e15).
 */
constexpr double largest_beta = 1e9;
constexpr double largest_chi_squared = 2e9;
constexpr double largest_binomial_variance = 1e7;

/* The small shape of a large beta distribution from which on it looks normal enough. */
constexpr double few = 1e4;

/*
 * The quantile of a beta distribution with p below it, or above it if upper, where a + b is large. With a small a
 * -log(1 - x) is nearly a gamma variable: M. E. Wise, "The incomplete beta function as a contour integral and a
 * quickly converging series for its inverse", Biometrika 37 (1950) 208-218. With neither small: M. Abramowitz and
 * I. A. Stegun, "Handbook of Mathematical Functions" (1964), 26.5.22.
 */
double
large_beta_quantile(double a, double b, double p, bool upper)
{
	double z, of_a, of_b, h, lambda, w;

	if (a < few)
	{
		double twice = upper ? chi_squared_tail_quantile(2 * a, p) : chi_squared_quantile(2 * a, p);

		return -std::expm1(-twice / 2 / (b + (a - 1) / 2));
	}
	if (b < few)
		return 1 - large_beta_quantile(b, a, p, !upper);

	z = upper ? -normal_quantile(p) : normal_quantile(p);
	of_a = 1 / (2 * a - 1);
	of_b = 1 / (2 * b - 1);
	h = 2 / (of_a + of_b);
	lambda = (z * z - 3) / 6;
	w = -z * std::sqrt(h + lambda) / h - (of_b - of_a) * (lambda + 5.0 / 6 - 2 / (3 * h));
	return a / (a + b * std::exp(2 * w));
}

/* The quantile of a large chi-squared distribution, z normal: E. B. Wilson and M. M. Hilferty 1931, ibid. 26.4.17. */
double
chi_squared_expansion(double df, double z)
{
	double variance = 2 / (9 * df);

	return df * std::pow(1 - variance + z * std::sqrt(variance), 3);
}

/* x log(x / mean) - (x - mean) of x = mean + more; the series where the two are nearly equal. */
double
deviance(double mean, double more)
{
	double u = more / mean;
	double sum = 0;
	double power = u * u;

	if (std::fabs(u) > 0.1)
		return (mean + more) * std::log1p(u) - more;
	for (int i = 2; i < 20; i++, power *= -u)
		sum += power / (i * (i - 1));
	return mean * sum;
}

/*
 * The z of at most k, for a binomial variable with a large variance: D. B. Peizer and J. W. Pratt, "A normal
 * approximation for binomial, F, beta, and other common, related tail probabilities, I", J. Am. Stat. Assoc. 63 (1968)
 * 1416-1456.
 */
double
large_binomial_z(double n, double p, double k)
{
	double q = 1 - p;
	double more = k + 0.5 - n * p;
	double corrected =
		more + (1 - 2 * p) / 6 + 0.02 * (q / (k + 1) - p / (n - k) + (q - 0.5) / (n + 1));
	double both = deviance(n * p, more) + deviance(n * q, -more);
	/* At the mean itself it is the limit. */
	double scale = more == 0 ? 1 / std::sqrt(n * p * q) : std::sqrt(2 * both) / std::fabs(more);

	return corrected * scale / std::sqrt(1 + 1 / (6 * n));
}

/* The probability of k itself, 0 < k < n: C. Loader, "Fast and accurate computation of binomial probabilities". */
double
large_binomial_density(double n, double p, double k)
{
	double more = k - n * p;

	return std::exp(-deviance(n * p, more) - deviance(n * (1 - p), -more)) *
		   std::sqrt(n / (2 * bm::constants::pi<double>() * k * (n - k)));
}

bool
is_large_binomial(double n, double p)
{
	return n * p * (1 - p) > largest_binomial_variance;
}
} // namespace

double
normal_quantile(double p) noexcept
{
	if (!is_probability(p))
		return no_answer;
	return answer([=] { return bm::quantile(Normal(), p); });
}

double
normal_tail(double z) noexcept
{
	if (std::isnan(z))
		return no_answer;
	return answer([=] { return bm::cdf(bm::complement(Normal(), z)); });
}

double
beta_quantile(double a, double b, double p) noexcept
{
	if (!is_parameter(a) || !is_parameter(b) || !is_probability(p))
		return no_answer;
	if (a + b > largest_beta)
		return large_beta_quantile(a, b, p, false);
	return answer([=] { return bm::quantile(Beta(a, b), p); });
}

double
beta_tail_quantile(double a, double b, double q) noexcept
{
	if (!is_parameter(a) || !is_parameter(b) || !is_probability(q))
		return no_answer;
	if (a + b > largest_beta)
		return large_beta_quantile(a, b, q, true);
	return answer([=] { return bm::quantile(bm::complement(Beta(a, b), q)); });
}

double
chi_squared_quantile(double df, double p) noexcept
{
	if (!is_parameter(df) || !is_probability(p))
		return no_answer;
	if (df > largest_chi_squared)
		return chi_squared_expansion(df, normal_quantile(p));
	return answer([=] { return bm::quantile(ChiSquared(df), p); });
}

double
chi_squared_tail(double df, double x) noexcept
{
	if (!is_parameter(df) || !(x >= 0))
		return no_answer;
	return answer([=] { return bm::cdf(bm::complement(ChiSquared(df), x)); });
}

double
chi_squared_tail_quantile(double df, double q) noexcept
{
	if (!is_parameter(df) || !is_probability(q))
		return no_answer;
	if (df > largest_chi_squared)
		return chi_squared_expansion(df, -normal_quantile(q));
	return answer([=] { return bm::quantile(bm::complement(ChiSquared(df), q)); });
}

double
binomial_density(double n, double p, double k) noexcept
{
	if (!is_parameter(n) || !is_probability(p))
		return no_answer;
	if (!(k >= 0 && k <= n))
		return 0;
	if (is_large_binomial(n, p) && k > 0 && k < n)
		return large_binomial_density(n, p, k);
	return answer([=] { return bm::pdf(Binomial(n, p), k); });
}

double
binomial_low_tail(double n, double p, double k) noexcept
{
	if (!is_parameter(n) || !is_probability(p))
		return no_answer;
	if (!(k >= 0))
		return 0;
	if (k >= n)
		return 1;
	if (is_large_binomial(n, p))
		return normal_tail(-large_binomial_z(n, p, k));
	return answer([=] { return bm::cdf(Binomial(n, p), k); });
}

double
binomial_tail(double n, double p, double k) noexcept
{
	if (!is_parameter(n) || !is_probability(p))
		return no_answer;
	if (!(k > 0))
		return 1;
	if (k > n)
		return 0;
	/* Doubles above 2^53: k - 1 may be k. */
	if (is_large_binomial(n, p) && k - 1 < n)
		return normal_tail(large_binomial_z(n, p, k - 1));
	return answer([=] { return bm::cdf(bm::complement(Binomial(n, p), k - 1)); });
}

double
log_gamma(double x) noexcept
{
	if (!is_parameter(x))
		return no_answer;
	return answer([=] { return bm::lgamma(x, Quiet()); });
}

double
digamma(double x) noexcept
{
	if (!is_parameter(x))
		return no_answer;
	return answer([=] { return bm::digamma(x, Quiet()); });
}

double
beta_low_tail(double a, double b, double x) noexcept
{
	if (!is_parameter(a) || !is_parameter(b) || !is_probability(x))
		return no_answer;
	return answer([=] { return bm::cdf(Beta(a, b), x); });
}

double
beta_tail(double a, double b, double x) noexcept
{
	if (!is_parameter(a) || !is_parameter(b) || !is_probability(x))
		return no_answer;
	return answer([=] { return bm::cdf(bm::complement(Beta(a, b), x)); });
}
