# Developer tool: writes data.sql (rows) and figures.sql (R's answers) for sql/survival.sql.
#
#     Rscript test/survival/export.R      (in the project's folder; needs R with its package survival)
#
# The tests themselves do not need R. The rows are data sets that come with the package survival, and random ones.

library(survival)
options(digits = 17, warn = 1)

folder <- "test/survival"
data_file <- file(file.path(folder, "data.sql"), "w")
figures_file <- file(file.path(folder, "figures.sql"), "w")
origin <- sprintf("-- Written by export.R with %s, package survival %s.\n",
                  R.version.string, as.character(packageVersion("survival")))
cat(origin, file = data_file)
cat(origin, file = figures_file)

field <- function(x) {
  if (is.logical(x)) return(ifelse(is.na(x), "\\N", ifelse(x, "t", "f")))
  if (is.numeric(x)) return(ifelse(is.na(x) | is.nan(x), "\\N", format(x, digits = 17, trim = TRUE)))
  ifelse(is.na(x), "\\N", as.character(x))
}

# A data frame as CREATE TABLE (first time) and COPY.
known <- character(0)
put <- function(out, name, types, frame) {
  if (!(name %in% known)) {
    columns <- paste(sprintf('"%s" %s', names(types), types), collapse = ", ")
    cat(sprintf("CREATE TABLE %s (%s);\n", name, columns), file = out)
    known <<- c(known, name)
  }
  lines <- do.call(paste, c(lapply(frame[names(types)], function(x) sapply(x, field)), sep = "\t"))
  cat(sprintf("COPY %s FROM stdin;\n", name), file = out)
  cat(lines, "\\.", sep = "\n", file = out)
}

array <- function(x) sprintf("{%s}", paste(ifelse(is.na(x), "NULL", format(x, digits = 17, trim = TRUE)), collapse = ","))
names_array <- function(x) sprintf("{%s}", paste(sprintf('"%s"', x), collapse = ","))

row_types <- c(dataset = "text", duration = "float8", churned = "boolean", entry = "float8", weight = "float8",
               grp = "text", stratum = "text", cause = "text", x = "float8[]")
put_rows <- function(dataset, duration, churned, entry = NA, weight = 1, grp = "all", stratum = "all",
                     cause = NA, x = NULL) {
  frame <- data.frame(dataset = dataset, duration = duration, churned = as.logical(churned), entry = entry,
                      weight = weight, grp = as.character(grp), stratum = as.character(stratum),
                      cause = as.character(cause))
  frame$x <- if (is.null(x)) NA_character_ else apply(x, 1, array)
  put(data_file, "r_rows", row_types, frame)
  frame
}

surv_of <- function(frame) {
  if (all(is.na(frame$entry))) Surv(frame$duration, frame$churned)
  else Surv(ifelse(is.na(frame$entry), 0, frame$entry), frame$duration, frame$churned)
}

# The one case without standard errors.
truncated_and_robust <- function(frame) any(!is.na(frame$entry)) && any(frame$weight %% 1 != 0)

curve_types <- c(dataset = "text", ci = "text", confidence = "float8", time = "float8", at_risk = "float8",
                 churned = "float8", censored = "float8", survival = "float8", std_error = "float8", ci_low = "float8",
                 ci_high = "float8", cumulative_hazard = "float8", hazard_std_error = "float8")
put_curve <- function(frame, ci = "log-log", confidence = 0.95) {
  fit <- survfit(surv_of(frame) ~ 1, weights = frame$weight, conf.type = ci, conf.int = confidence)
  se <- if (isTRUE(fit$logse)) fit$surv * fit$std.err else fit$std.err
  hidden <- function(x) if (truncated_and_robust(frame)) NA else x
  put(figures_file, "r_curve", curve_types,
      data.frame(dataset = frame$dataset[1], ci = ci, confidence = confidence, time = fit$time, at_risk = fit$n.risk,
                 churned = fit$n.event, censored = fit$n.censor, survival = fit$surv, std_error = hidden(se),
                 ci_low = hidden(fit$lower), ci_high = hidden(fit$upper), cumulative_hazard = fit$cumhaz,
                 hazard_std_error = hidden(fit$std.chaz)))
  invisible(fit)
}

quantile_types <- c(dataset = "text", p = "float8", ci = "text", confidence = "float8", time = "float8",
                    ci_low = "float8", ci_high = "float8")
put_quantiles <- function(frame, ci = "log-log", confidence = 0.95, p = c(0.1, 0.25, 0.5, 0.6, 0.75, 0.9)) {
  fit <- survfit(surv_of(frame) ~ 1, weights = frame$weight, conf.type = ci, conf.int = confidence)
  q <- quantile(fit, probs = p)
  if (truncated_and_robust(frame)) q$lower <- q$upper <- rep(NA_real_, length(p))
  put(figures_file, "r_quantile", quantile_types,
      data.frame(dataset = frame$dataset[1], p = p, ci = ci, confidence = confidence, time = as.numeric(q$quantile),
                 ci_low = as.numeric(q$lower), ci_high = as.numeric(q$upper)))
}

mean_types <- c(dataset = "text", tau = "float8", restricted_mean = "float8", std_error = "float8")
# With weights that are not whole, R 3.5 prints no robust error: differentiate by each weight instead.
put_means <- function(frame, taus) {
  mean_at <- function(w, tau) {
    fit <- survfit(surv_of(frame) ~ 1, weights = w)
    survival:::survmean(fit, rmean = tau)$matrix[c("rmean", "se(rmean)")]
  }
  for (tau in taus) {
    m <- mean_at(frame$weight, tau)
    se <- m[2]
    if (any(frame$weight %% 1 != 0)) {
      slope <- sapply(seq_len(nrow(frame)), function(i) {
        h <- 1e-4
        up <- down <- frame$weight
        up[i] <- up[i] + h
        down[i] <- down[i] - h
        (mean_at(up, tau)[1] - mean_at(down, tau)[1]) / (2 * h)
      })
      se <- sqrt(sum((frame$weight * slope)^2))
    }
    put(figures_file, "r_mean", mean_types,
        data.frame(dataset = frame$dataset[1], tau = tau, restricted_mean = m[1], std_error = se))
  }
}

payback_types <- c(dataset = "text", margin = "float8", cost = "float8", confidence = "float8", time = "float8",
                   ci_low = "float8", ci_high = "float8")
put_payback <- function(frame, margin, cost, confidence = 0.95) {
  fit <- survfit(surv_of(frame) ~ 1, weights = frame$weight)
  z <- qnorm((1 + confidence) / 2)
  ends <- c(0, fit$time)
  first <- function(sign) {
    gap <- function(tau) {
      m <- survival:::survmean(fit, rmean = tau)$matrix[c("rmean", "se(rmean)")]
      as.numeric(m[1] + sign * z * m[2] - cost / margin)
    }
    # In small steps, because a lower limit may rise and fall.
    grid <- sort(unique(c(ends, seq(0, max(ends), length.out = 400))))
    values <- c(-cost / margin, sapply(grid[-1], gap))
    hit <- which(values >= 0)[1]
    if (is.na(hit)) return(NA)
    if (hit == 1) return(0)
    uniroot(gap, c(max(grid[hit - 1], 1e-9), grid[hit]), tol = 1e-14)$root
  }
  put(figures_file, "r_payback", payback_types,
      data.frame(dataset = frame$dataset[1], margin = margin, cost = cost, confidence = confidence, time = first(0),
                 ci_low = first(1), ci_high = first(-1)))
}

hazard_types <- c(dataset = "text", width = "float8", band_start = "float8", band_end = "float8", churned = "float8",
                  customer_time = "float8", rate = "float8", ci_low = "float8", ci_high = "float8")
put_hazard <- function(frame, width) {
  bands <- ceiling(max(frame$duration) / width)
  cuts <- seq_len(bands) * width
  entry <- ifelse(is.na(frame$entry), 0, frame$entry)
  low <- cuts - width
  events <- sapply(seq_along(low), function(i)
    sum(frame$weight * (frame$churned & frame$duration > low[i] & frame$duration <= cuts[i])))
  time <- sapply(seq_along(low), function(i)
    sum(frame$weight * pmax(0, pmin(frame$duration, cuts[i]) - pmax(entry, low[i]))))
  limits <- sapply(seq_along(low), function(i) as.numeric(poisson.test(events[i], time[i])$conf.int))
  put(figures_file, "r_hazard", hazard_types,
      data.frame(dataset = frame$dataset[1], width = width, band_start = low, band_end = cuts, churned = events,
                 customer_time = time, rate = events / time, ci_low = limits[1, ], ci_high = limits[2, ]))
}

test_types <- c(dataset = "text", weighting = "text", stratified = "boolean", origin = "text", chi2 = "float8",
                df = "integer", p_value = "float8", groups = "text[]", n = "bigint[]", observed = "float8[]",
                expected = "float8[]")

# R's own tests: rho = 0 is log-rank, others Fleming-Harrington.
put_survdiff <- function(frame, rho, stratified) {
  fit <- if (stratified) survdiff(surv_of(frame) ~ grp + strata(stratum), data = frame, rho = rho)
         else survdiff(surv_of(frame) ~ grp, data = frame, rho = rho)
  sums <- function(x) if (is.matrix(x)) rowSums(x) else x
  df <- sum(sums(fit$exp) > 0) - 1
  put(figures_file, "r_test", test_types,
      data.frame(dataset = frame$dataset[1],
                 weighting = if (rho == 0) "logrank" else sprintf("fleming-harrington(%g)", rho),
                 stratified = stratified, origin = "survdiff", chi2 = fit$chisq, df = df,
                 p_value = pchisq(fit$chisq, df, lower.tail = FALSE), groups = names_array(sort(unique(frame$grp))),
                 n = array(sums(fit$n)), observed = array(sums(fit$obs)), expected = array(sums(fit$exp))))
}

# Those that survdiff does not have, from their definition (Klein and Moeschberger 2003, section 7.3), subject by subject.
put_test <- function(frame, weighting, stratified) {
  groups <- sort(unique(frame$grp))
  k <- length(groups)
  observed <- expected <- numeric(k)
  v <- matrix(0, k, k)
  entry <- ifelse(is.na(frame$entry), -1, frame$entry)
  strata <- if (stratified) frame$stratum else rep("all", nrow(frame))
  for (s in unique(strata)) {
    survival <- peto <- 1
    for (t in sort(unique(frame$duration[frame$churned & strata == s]))) {
      risk <- strata == s & entry < t & frame$duration >= t
      leave <- risk & frame$churned & frame$duration == t
      n <- sum(risk)
      d <- sum(leave)
      share <- sapply(groups, function(g) sum(risk & frame$grp == g)) / n
      peto <- peto * (1 - d / (n + 1))
      w <- switch(weighting, "logrank" = 1, "gehan-wilcoxon" = n, "tarone-ware" = sqrt(n), "peto-peto" = peto,
                  "peto-modified" = peto * n / (n + 1), "fleming-harrington(0.5)" = sqrt(survival))
      survival <- survival * (1 - d / n)
      observed <- observed + w * sapply(groups, function(g) sum(leave & frame$grp == g))
      expected <- expected + w * d * share
      if (n > 1) v <- v + w^2 * d * (n - d) / (n - 1) * (diag(share, k) - outer(share, share))
    }
  }
  used <- which(expected > 0)[-1]
  x <- (observed - expected)[used]
  chi2 <- sum(x * solve(v[used, used, drop = FALSE], x))
  put(figures_file, "r_test", test_types,
      data.frame(dataset = frame$dataset[1], weighting = weighting, stratified = stratified, origin = "definition",
                 chi2 = chi2, df = length(used), p_value = pchisq(chi2, length(used), lower.tail = FALSE),
                 groups = names_array(groups), n = array(as.numeric(table(factor(frame$grp, groups)))),
                 observed = array(observed), expected = array(expected)))
}

incidence_types <- c(dataset = "text", ci = "text", confidence = "float8", cause = "text", time = "float8",
                     incidence = "float8", std_error = "float8", ci_low = "float8", ci_high = "float8")
put_incidence <- function(frame, ci = "log-log", confidence = 0.95) {
  causes <- sort(unique(frame$cause[!is.na(frame$cause)]))
  state <- factor(ifelse(is.na(frame$cause), "here", frame$cause), c("here", causes))
  fit <- survfit(Surv(frame$duration, state) ~ 1, conf.type = ci, conf.int = confidence)
  for (cause in causes) {
    at <- which(fit$states == cause)
    limit <- function(x) ifelse(fit$pstate[, at] == 0, NA, x) # R's plain limits at 0 are 0
    put(figures_file, "r_incidence", incidence_types,
        data.frame(dataset = frame$dataset[1], ci = ci, confidence = confidence, cause = cause, time = fit$time,
                   incidence = fit$pstate[, at], std_error = fit$std.err[, at], ci_low = limit(fit$lower[, at]),
                   ci_high = limit(fit$upper[, at])))
  }
}

cox_types <- c(dataset = "text", ties = "text", covariate = "integer", coefficient = "float8", hazard_ratio = "float8",
               std_error = "float8", ci_low = "float8", ci_high = "float8", z = "float8", p_value = "float8")
cox_summary_types <- c(dataset = "text", ties = "text", customers = "bigint", churned = "bigint",
                       loglik_null = "float8", loglik = "float8", df = "integer", likelihood_ratio = "float8",
                       wald = "float8", score = "float8", concordance = "float8")
put_cox <- function(frame, ties) {
  x <- do.call(rbind, lapply(strsplit(gsub("[{}]", "", frame$x), ","), as.numeric))
  # R stops early by default; the figures must be those of the maximum.
  fit <- coxph(surv_of(frame) ~ x, ties = ties, control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50))
  table <- summary(fit)
  put(figures_file, "r_cox", cox_types,
      data.frame(dataset = frame$dataset[1], ties = ties, covariate = seq_len(ncol(x)),
                 coefficient = table$coefficients[, "coef"], hazard_ratio = table$coefficients[, "exp(coef)"],
                 std_error = table$coefficients[, "se(coef)"], ci_low = table$conf.int[, "lower .95"],
                 ci_high = table$conf.int[, "upper .95"], z = table$coefficients[, "z"],
                 p_value = table$coefficients[, "Pr(>|z|)"]))
  put(figures_file, "r_cox_summary", cox_summary_types,
      data.frame(dataset = frame$dataset[1], ties = ties, customers = fit$n, churned = fit$nevent,
                 loglik_null = fit$loglik[1], loglik = fit$loglik[2], df = sum(!is.na(coef(fit))),
                 likelihood_ratio = 2 * diff(fit$loglik), wald = as.numeric(fit$wald.test), score = fit$score,
                 concordance = as.numeric(fit$concordance["concordance"])))
}

# Strata, weights and clusters; the test of proportional hazards; predictions.
cox2_types <- c(dataset = "text", ties = "text", variant = "text", covariate = "integer", coefficient = "float8",
                std_error = "float8", zph = "float8", zph_p_value = "float8")
cox2_summary_types <- c(dataset = "text", ties = "text", variant = "text", customers = "bigint", churned = "bigint",
                        loglik_null = "float8", loglik = "float8", wald = "float8", score = "float8",
                        concordance = "float8", zph = "float8", zph_p_value = "float8", clusters = "bigint")
predict_types <- c(dataset = "text", ties = "text", variant = "text", x = "float8[]", stratum = "text", t = "float8",
                   given = "float8", ci = "text", survival = "float8", std_error = "float8", ci_low = "float8",
                   ci_high = "float8")
put_cox2 <- function(frame, ties, variant) {
  x <- do.call(rbind, lapply(strsplit(gsub("[{}]", "", frame$x), ","), as.numeric))
  names <- paste0("x", seq_len(ncol(x)))
  colnames(x) <- names
  data <- data.frame(frame[, c("duration", "churned", "entry", "weight", "stratum")], x)
  data$entry[is.na(data$entry)] <- 0
  data$group <- floor(x[, 1])
  has <- function(what) grepl(what, variant)
  left <- if (all(is.na(frame$entry))) "Surv(duration, churned)" else "Surv(entry, duration, churned)"
  formula <- as.formula(paste(left, "~", paste(names, collapse = "+"), if (has("strata")) "+ strata(stratum)" else ""))
  data$weight <- if (has("weight")) as.numeric(data$weight) else 1
  control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
  fit <- if (has("cluster")) coxph(formula, data, weights = data$weight, ties = ties, cluster = data$group, control = control)
         else coxph(formula, data, weights = data$weight, ties = ties, control = control)
  fine <- which(!is.na(coef(fit))) # a covariate that is the stratum has no coefficient
  p <- length(fine)
  # R 3.5 has no test then.
  zph <- if (p < length(names)) matrix(NA_real_, p + 1, 3, dimnames = list(NULL, c("chisq", "df", "p")))
         else cox.zph(fit, terms = FALSE)$table
  put(figures_file, "r_cox2", cox2_types,
      data.frame(dataset = frame$dataset[1], ties = ties, variant = variant, covariate = fine,
                 coefficient = coef(fit)[fine], std_error = sqrt(diag(vcov(fit))[fine]), zph = zph[seq_len(p), "chisq"],
                 zph_p_value = zph[seq_len(p), "p"]))
  put(figures_file, "r_cox2_summary", cox2_summary_types,
      data.frame(dataset = frame$dataset[1], ties = ties, variant = variant, customers = fit$n, churned = fit$nevent,
                 loglik_null = fit$loglik[1], loglik = fit$loglik[2], wald = as.numeric(fit$wald.test),
                 score = fit$score, concordance = as.numeric(fit$concordance["concordance"]),
                 zph = zph[p + 1, "chisq"], zph_p_value = zph[p + 1, "p"],
                 clusters = if (has("cluster")) length(unique(data$group)) else NA))
  if (p < length(names)) return(invisible(NULL))
  rows <- round(quantile(seq_len(nrow(data)), c(0.2, 0.7)))
  for (row in rows) {
    new <- data[row, ]
    if (has("strata")) times <- data$duration[data$stratum == new$stratum] else times <- data$duration
    for (at in as.numeric(quantile(times, c(0.3, 0.8), type = 1))) for (given in c(0, at / 3 + 1e-4)) { # R counts who leaves at start.time itself
      ci <- c("log-log", "log", "plain")[1 + (row + ncol(x)) %% 3]
      curve <- if (given > 0) survfit(fit, newdata = new, conf.type = ci, start.time = given)
               else survfit(fit, newdata = new, conf.type = ci)
      there <- summary(curve, times = at)
      known <- length(there$surv) > 0
      put(figures_file, "r_predict", predict_types,
          data.frame(dataset = frame$dataset[1], ties = ties, variant = variant, x = array(x[row, ]),
                     stratum = if (has("strata")) new$stratum else NA, t = at, given = given, ci = ci,
                     survival = if (known) there$surv else 1, std_error = if (known) there$std.err else 0,
                     ci_low = if (known) there$lower else NA, ci_high = if (known) there$upper else NA))
    }
  }
}

# Logistic regression: R's glm, iterated to the end.
logit_types <- c(dataset = "text", term = "integer", coefficient = "float8", std_error = "float8")
logit_summary_types <- c(dataset = "text", customers = "bigint", churned = "bigint", loglik_null = "float8",
                         loglik = "float8", score = "float8", wald = "float8", concordance = "float8")
put_logit <- function(frame) {
  x <- do.call(rbind, lapply(strsplit(gsub("[{}]", "", frame$x), ","), as.numeric))
  y <- frame$churned
  control <- glm.control(epsilon = 1e-15, maxit = 50)
  fit <- suppressWarnings(glm(y ~ x, family = binomial, control = control))
  null <- suppressWarnings(glm(y ~ 1, family = binomial, control = control))
  full <- cbind(1, x)
  # R's own has the weights of the iteration before the last one.
  at <- fit$fitted.values
  variance <- solve(t(full) %*% (full * at * (1 - at)))
  put(figures_file, "r_logit", logit_types,
      data.frame(dataset = frame$dataset[1], term = seq_along(coef(fit)) - 1, coefficient = coef(fit),
                 std_error = sqrt(diag(variance))))
  rest <- y - mean(y)
  score <- t(full) %*% rest
  information <- t(full) %*% full * mean(y) * (1 - mean(y))
  eta <- fit$linear.predictors
  pairs <- outer(eta[y], eta[!y], ">") + outer(eta[y], eta[!y], "==") / 2
  put(figures_file, "r_logit_summary", logit_summary_types,
      data.frame(dataset = frame$dataset[1], customers = length(y), churned = sum(y),
                 loglik_null = as.numeric(logLik(null)), loglik = as.numeric(logLik(fit)),
                 score = sum(score * solve(information, score)),
                 wald = sum(coef(fit)[-1] * solve(variance[-1, -1], coef(fit)[-1])), concordance = mean(pairs)))
}

# The hazard that is corrected for ties. Whole weights are repeated rows here; R takes a weighted row as one departure.
hazard2_types <- c(dataset = "text", time = "float8", cumulative_hazard = "float8", hazard_std_error = "float8")
put_hazard2 <- function(frame) {
  whole <- all(frame$weight %% 1 == 0)
  rows <- if (whole) frame[rep(seq_len(nrow(frame)), frame$weight), ] else frame
  fit <- if (whole) survfit(surv_of(rows) ~ 1, ctype = 2)
         else survfit(surv_of(rows) ~ 1, weights = rows$weight, ctype = 2)
  se <- fit$std.chaz
  if (!whole) { # R's robust error is that of Nelson and Aalen: differentiate by each weight instead.
    hazard_at <- function(w) survfit(surv_of(rows) ~ 1, weights = w, ctype = 2)$cumhaz
    slope <- sapply(seq_len(nrow(rows)), function(i) {
      h <- 1e-4
      up <- down <- rows$weight
      # Rows that leave at one time share their mean weight, so that the derivative is that of their sum.
      up[i] <- up[i] + h
      down[i] <- down[i] - h
      (hazard_at(up) - hazard_at(down)) / (2 * h)
    })
    se <- sqrt(rowSums(sweep(slope, 2, rows$weight, "*")^2))
  }
  if (truncated_and_robust(frame)) se <- NA
  put(figures_file, "r_hazard2", hazard2_types,
      data.frame(dataset = frame$dataset[1], time = fit$time, cumulative_hazard = fit$cumhaz, hazard_std_error = se))
}

# Margin times a restricted mean, discounted: the integral of the step curve, and Greenwood's variance or the jackknife.
value_types <- c(dataset = "text", margin = "float8", horizon = "float8", discount = "float8", value = "float8",
                 std_error = "float8", points = "float8", value_after = "float8", cost = "float8",
                 payback_now = "float8", payback_after = "float8")
put_value <- function(frame, margin, horizon, discount, points, cost) {
  fit <- survfit(surv_of(frame) ~ 1, weights = frame$weight)
  area <- function(from, until, time, surv, power = 1) {
    if (until <= from) return(0)
    s <- stepfun(time, c(1, surv^power))
    at <- sort(unique(c(from, time[time > from & time < until], until)))
    sum(sapply(seq_len(length(at) - 1), function(i)
      integrate(function(t) s((at[i] + at[i + 1]) / 2) * (1 + discount)^(-t), at[i], at[i + 1], rel.tol = 1e-13)$value))
  }
  until <- function(power) function(t) margin * area(0, t, fit$time, fit$surv, power)
  now <- until(1)(horizon)
  if (any(frame$weight %% 1 != 0)) {
    slope <- sapply(seq_len(nrow(frame)), function(i) {
      h <- 1e-4
      up <- down <- frame$weight
      up[i] <- up[i] + h
      down[i] <- down[i] - h
      v <- sapply(list(up, down), function(w) {
        f <- survfit(surv_of(frame) ~ 1, weights = w)
        margin * area(0, horizon, f$time, f$surv)
      })
      (v[1] - v[2]) / (2 * h)
    })
    se <- sqrt(sum((frame$weight * slope)^2))
  } else {
    left <- which(fit$n.event > 0 & fit$time <= horizon & fit$surv > 0)
    se <- sqrt(sum(sapply(left, function(i)
      (margin * area(fit$time[i], horizon, fit$time, fit$surv))^2 * fit$n.event[i] / fit$n.risk[i] /
        (fit$n.risk[i] - fit$n.event[i]))))
  }
  there <- summary(fit, times = horizon)$surv
  theta <- log(min(1, there + points / 100)) / log(there)
  pays <- function(power) {
    f <- until(power)
    if (f(max(fit$time)) < cost) return(NA)
    uniroot(function(t) f(t) - cost, c(1e-9, max(fit$time)), tol = 1e-12)$root
  }
  put(figures_file, "r_value", value_types,
      data.frame(dataset = frame$dataset[1], margin = margin, horizon = horizon, discount = discount, value = now,
                 std_error = se, points = points, value_after = until(theta)(horizon), cost = cost,
                 payback_now = pays(1), payback_after = pays(theta)))
}

# ---- Rows ----

lung_rows <- with(survival::lung, put_rows("lung", time, status == 2, grp = ifelse(sex == 1, "male", "female"),
                                           stratum = paste("ecog", ph.ecog),
                                           x = cbind(age, sex, ifelse(is.na(ph.karno), 80, ph.karno))))
veteran_rows <- with(survival::veteran, put_rows("veteran", time, status == 1, grp = celltype, stratum = trt,
                                                 x = cbind(trt, karno, diagtime, age, prior)))
ovarian_rows <- with(survival::ovarian, put_rows("ovarian", futime, fustat == 1, grp = rx, stratum = ecog.ps,
                                                 x = cbind(age, rx)))
heart_rows <- with(survival::heart, put_rows("heart", stop, event == 1, entry = start, grp = transplant,
                                             stratum = surgery,
                                             x = cbind(age, year, surgery, as.numeric(transplant) - 1)))
mgus <- survival::mgus2[1:400, ]
mgus_rows <- with(mgus, {
  progressed <- pstat == 1
  put_rows("mgus2", ifelse(progressed, ptime, futime), progressed | death == 1, grp = sex,
           cause = ifelse(progressed, "progression", ifelse(death == 1, "death", NA)))
})

random_rows <- lapply(1:16, function(i) {
  set.seed(20260000 + i)
  n <- 40 + 5 * i
  duration <- switch(i %% 4 + 1, sample(1:12, n, TRUE), round(rexp(n, 0.1), 1) + 0.1, sample(0:30, n, TRUE) / 4 + 0.25,
                     round(rweibull(n, 0.7, 20), 3) + 0.001)
  entry <- if (i %% 3 == 0) ifelse(runif(n) < 0.6, round(duration * runif(n) * 0.95, 2), NA) else rep(NA_real_, n)
  weight <- if (i %% 4 == 1) sample(1:4, n, TRUE) else if (i %% 4 == 2) round(runif(n, 0.1, 3), 3) else rep(1, n)
  cause <- sample(c("price", "bug", "moved", NA), n, TRUE, c(0.3, 0.2, 0.1, 0.4))
  put_rows(sprintf("random %d", i), duration, !is.na(cause), entry = entry, weight = weight,
           grp = sample(c("a", "b", "c"), n, TRUE), stratum = sample(c("s", "t"), n, TRUE), cause = cause,
           x = cbind(round(rnorm(n), 2), rbinom(n, 1, 0.4)))
})

# ---- One group ----

for (ci in c("plain", "log", "log-log", "logit", "arcsin")) {
  put_curve(ovarian_rows, ci)
  put_curve(heart_rows, ci, 0.9)
  put_quantiles(ovarian_rows, ci)
  put_quantiles(lung_rows, ci, 0.8)
}
put_curve(lung_rows)
put_means(lung_rows, c(100, 365.25, 1022))
put_means(ovarian_rows, c(30, 600, 1227))
put_means(heart_rows, c(10, 700.5))
put_hazard(lung_rows, 100)
put_hazard(ovarian_rows, 365.25)
put_hazard(heart_rows, 250)
put_payback(lung_rows, 2, 500)
put_payback(lung_rows, 1, 365, 0.8)
put_payback(ovarian_rows, 1, 600)
put_payback(heart_rows, 1, 200, 0.5)
for (rows in random_rows) {
  put_curve(rows)
  put_curve(rows, "plain", 0.99)
  put_quantiles(rows)
  if (!truncated_and_robust(rows))
    put_means(rows, c(1.5, as.numeric(quantile(rows$duration, 0.7)), max(rows$duration[rows$churned])))
  if (all(rows$weight %% 1 == 0)) {
    put_hazard(rows, 2.5)
    put_payback(rows, 3, 3 * as.numeric(quantile(rows$duration, 0.4)))
  }
}

for (rows in c(list(lung_rows, ovarian_rows, heart_rows), random_rows)) put_hazard2(rows)
put_value(lung_rows, 20, 365.25, 0, 5, 4000)
put_value(lung_rows, 20, 365.25, 0.001, 5, 4000)
put_value(ovarian_rows, 1.5, 900, 0.0005, -10, 900)
put_value(heart_rows, 3, 200.5, 0.01, 60, 100)
for (rows in random_rows[c(1, 2, 4, 5, 6, 10, 12)])
  if (!truncated_and_robust(rows))
    put_value(rows, 7, as.numeric(quantile(rows$duration, 0.6)), 0.02, 7.5, 7 * as.numeric(quantile(rows$duration, 0.3)))

# ---- Between groups ----

for (stratified in c(FALSE, TRUE)) {
  for (rows in c(list(lung_rows, veteran_rows, ovarian_rows), random_rows[c(4, 5, 7, 8)]))
    for (rho in c(0, 1, 0.5)) put_survdiff(rows, rho, stratified)
  for (rows in list(veteran_rows, heart_rows, random_rows[[3]], random_rows[[12]]))
    for (weighting in c("logrank", "gehan-wilcoxon", "tarone-ware", "peto-peto", "peto-modified", "fleming-harrington(0.5)"))
      put_test(rows, weighting, stratified)
}

# ---- Several ways to leave ----

put_incidence(mgus_rows)
put_incidence(mgus_rows, "plain", 0.9)
for (rows in random_rows[c(4, 5, 8, 10, 11)]) for (ci in c("log-log", "log")) put_incidence(rows, ci)

# ---- Regression ----

for (rows in c(list(lung_rows, veteran_rows, ovarian_rows, heart_rows), random_rows))
  for (ties in c("efron", "breslow")) put_cox(rows, ties)

for (rows in c(list(lung_rows, veteran_rows, heart_rows), random_rows[c(1, 2, 3, 5, 6, 8, 9, 10, 12)]))
  for (ties in c("efron", "breslow"))
    for (variant in c("plain", "strata", "weight", "strata weight", "strata weight cluster")) put_cox2(rows, ties, variant)

for (rows in c(list(lung_rows, veteran_rows, ovarian_rows, heart_rows), random_rows)) put_logit(rows)

close(data_file)
close(figures_file)
