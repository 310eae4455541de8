# Figures of R for sql/drivers.sql:  Rscript test/drivers/figures.R
options(digits = 17)
p <- function(x) format(x, digits = 16, scientific = abs(x) < 1e-4 & x != 0)
kept <- c(basic = 30, plus = 45, premium = 25, none = 7)
churned <- c(basic = 20, plus = 10, premium = 1, none = 0)

strength <- function(k, c) {
  m <- cbind(c, k)
  t <- suppressWarnings(chisq.test(m, correct = FALSE))
  n <- sum(m); r <- nrow(m)
  chi2 <- unname(t$statistic)
  phi <- max(0, chi2 / n - (r - 1) / (n - 1))
  rr <- r - (r - 1)^2 / (n - 1); cc <- 2 - 1 / (n - 1)
  a <- ifelse(c == 0, 0.5, c) / sum(c); b <- ifelse(k == 0, 0.5, k) / sum(k)
  c(chi2 = chi2, p = t$p.value, v = sqrt(chi2 / n), corrected = sqrt(phi / min(rr - 1, cc - 1)), iv = sum((a - b) * log(a / b)))
}
# seats are 3, 5, 8, 2: more than 4 for plus and premium
# Of the value "none" 7 * 31 / 138 < 5 are expected to leave: it is taken together with the smallest of the others.
pool <- function(x) c(x["basic"], x["plus"], rare = unname(x["premium"] + x["none"]))
plan <- strength(pool(kept), pool(churned))
seats <- strength(c(37, 70), c(20, 11))
adjusted <- p.adjust(c(plan["p"], seats["p"]), "BH")
cat("ranking\n")
cat(sprintf("    ('plan', %s, %s, %s, %s, %s, %s),\n", p(plan["chi2"]), p(plan["p"]), p(adjusted[1]), p(plan["v"]), p(plan["corrected"]), p(plan["iv"])))
cat(sprintf("    ('many_seats', %s, %s, %s, %s, %s, %s)\n", p(seats["chi2"]), p(seats["p"]), p(adjusted[2]), p(seats["v"]), p(seats["corrected"]), p(seats["iv"])))

# Koopman's chi-squared by brute force: the likelihood is maximized numerically for a given ratio.
koopman <- function(x, m, y, n, level = 0.95) {
  chi2 <- function(ratio) {
    l <- function(q) -(dbinom(x, m, min(ratio * q, 1), log = TRUE) + dbinom(y, n, q, log = TRUE))
    q <- optimize(l, c(0, min(1, 1 / ratio)), tol = 1e-14)$minimum
    e <- ratio * q
    (x - m * e)^2 / (m * e * (1 - e)) + (y - n * q)^2 / (n * q * (1 - q))
  }
  z2 <- qchisq(level, 1); est <- (x / m) / (y / n)
  f <- function(t) chi2(exp(t)) - z2
  c(exp(uniroot(f, c(log(est) - 6, log(est)), tol = 1e-13)$root), exp(uniroot(f, c(log(est), log(est) + 6), tol = 1e-13)$root))
}
cat("koopman\n")
total <- sum(kept + churned); gone <- sum(churned)
for (v in c("basic", "plus", "premium")) {
  n <- kept[v] + churned[v]
  k <- koopman(churned[v], n, gone - churned[v], total - n)
  cat(sprintf("    ('%s', %s, %s),\n", v, p(k[1]), p(k[2])))
}
cat("binom\n")
for (q in list(c(850, 1000, 81), c(780, 1000, 78), c(0, 20, 63), c(20, 20, 63), c(3, 10, 75), c(8, 10, 75), c(49, 100, 50), c(62000, 100000, 63), c(1, 1, 84), c(0, 5, 0), c(5, 5, 100)))
  cat(sprintf("    (%d, %d, %g, %s),\n", q[1], q[2], q[3], p(binom.test(q[1], q[2], q[3] / 100)$p.value)))

cat("odds ratios\n")
for (v in c("basic", "plus", "premium")) {
  n <- kept[v] + churned[v]
  fit <- glm(cbind(c(churned[v], gone - churned[v]), c(kept[v], sum(kept) - kept[v])) ~ c(1, 0), family = binomial,
             control = glm.control(epsilon = 1e-14))
  se <- sqrt(vcov(fit)[2, 2])
  cat(sprintf("    ('%s', %s, %s, %s),\n", v, p(exp(unname(coef(fit)[2]))), p(exp(unname(coef(fit)[2]) - qnorm(0.975) * se)),
              p(exp(unname(coef(fit)[2]) + qnorm(0.975) * se))))
}
seats <- c(basic = 3, plus = 5, premium = 8, none = 2)
x <- rep(seats, churned); y <- rep(seats, kept)
cat("auc and ks\n   ", p(unname(suppressWarnings(wilcox.test(x, y)$statistic)) / length(x) / length(y)),
    p(unname(suppressWarnings(ks.test(x, y)$statistic))), "\n")
